import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@/lib/generated/prisma/client";

const { DATABASE_URL: connectionString, DATABASE_SCHEMA: schema } = process.env;

export const db = new PrismaClient({
  adapter: new PrismaPg({ connectionString }, schema === undefined ? {} : { schema }),
});
