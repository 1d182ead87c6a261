import { defineConfig } from "prisma/config";

// No datasource: the Prisma CLI here only generates the client. Migrations are applied to every
// region by scripts/migrate.ts and compared with the schema by scripts/drift.ts.
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
});
