import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type * as Engine from "@prisma/schema-engine-wasm/schema_engine_bg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { schemaAdapter } from "@/scripts/drift/schema-adapter";

type EngineModule = typeof Engine;

let loading: Promise<EngineModule> | undefined;

/** The package's own entry imports the .wasm file as a module, which Node does not do by itself. */
async function loadEngine(): Promise<EngineModule> {
  const require = createRequire(import.meta.url);
  const glue = require.resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const engine: EngineModule = await import("@prisma/schema-engine-wasm/schema_engine_bg");
  const bytes = await readFile(path.join(path.dirname(glue), "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": { ...engine } as WebAssembly.ModuleImports,
  });
  engine.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return engine;
}

/**
 * Compares the tables of a database's schema `public` with a Prisma schema.
 *
 * @returns the SQL that would turn the one into the other; null when they agree
 */
export async function diffWithPrismaSchema(
  url: string,
  schemaPath: string,
): Promise<string | null> {
  loading ??= loadEngine();
  const { SchemaEngine } = await loading;
  const file = { path: path.basename(schemaPath), content: await readFile(schemaPath, "utf8") };
  const engine = await SchemaEngine.new(
    { datamodels: [[file.path, file.content]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(schemaAdapter(url)),
  );
  try {
    const result = await engine.diff({
      from: { tag: "schemaDatasource", files: [file], configDir: path.dirname(schemaPath) },
      to: { tag: "schemaDatamodel", files: [file] },
      script: true,
      exitCode: true,
      shadowDatabaseUrl: null,
      filters: { externalTables: [], externalEnums: [] },
    } as Parameters<typeof engine.diff>[0]);
    return result.exitCode === 0 ? null : (result.stdout ?? "").trim();
  } finally {
    engine.free();
  }
}
