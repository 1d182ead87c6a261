import {
  ColumnTypeEnum,
  isDriverAdapterError,
  type ColumnType,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
} from "@prisma/driver-adapter-utils";
import { PrismaPg } from "@prisma/adapter-pg";
import { Pool } from "pg";

/** Catalogue types that the engine asks for and the Postgres adapter does not know, by oid. */
const CATALOGUE_TYPES: Readonly<Record<number, ColumnType>> = {
  16: ColumnTypeEnum.Boolean,
  18: ColumnTypeEnum.Character, // "char"
  19: ColumnTypeEnum.Text, // name
  20: ColumnTypeEnum.Int64,
  21: ColumnTypeEnum.Int32,
  23: ColumnTypeEnum.Int32,
  25: ColumnTypeEnum.Text,
  26: ColumnTypeEnum.Int64, // oid
  1043: ColumnTypeEnum.Text,
};

const isUnsupportedType = (error: unknown) =>
  isDriverAdapterError(error) && error.cause.kind === "UnsupportedNativeDataType";

async function queryCatalogue(pool: Pool, query: SqlQuery): Promise<SqlResultSet> {
  const { fields, rows } = await pool.query<unknown[]>({
    text: query.sql,
    values: query.args,
    rowMode: "array",
  });
  const columnTypes = fields.map((field) => {
    const type = CATALOGUE_TYPES[field.dataTypeID];
    if (type === undefined) {
      throw new Error(`The schema engine asked for the type ${field.dataTypeID} of ${field.name}.`);
    }
    return type;
  });
  // 64-bit integers travel as text: a JavaScript number would round them.
  const toEngine = (value: unknown, column: number) =>
    columnTypes[column] === ColumnTypeEnum.Int64 && value !== null ? String(value) : value;
  return {
    columnNames: fields.map((field) => field.name),
    columnTypes,
    rows: rows.map((row) => row.map(toEngine)),
  };
}

async function connect(url: string): Promise<SqlDriverAdapter> {
  const pool = new Pool({ connectionString: url, application_name: "meridian-drift", max: 1 });
  pool.on("error", () => undefined); // the running query reports it
  const inner = await new PrismaPg(pool).connect();
  return {
    provider: inner.provider,
    adapterName: inner.adapterName,
    queryRaw: async (query) => {
      try {
        return await inner.queryRaw(query);
      } catch (error) {
        if (!isUnsupportedType(error)) throw error;
        return queryCatalogue(pool, query);
      }
    },
    executeRaw: (query) => inner.executeRaw(query),
    // Not the inner one's: it cuts a script at every semicolon, also inside a function's body.
    executeScript: async (script) => void (await pool.query(script)),
    startTransaction: (isolationLevel) => inner.startTransaction(isolationLevel),
    getConnectionInfo: () => inner.getConnectionInfo(),
    dispose: () => pool.end(),
  };
}

/** Lets Prisma's schema engine read one database. It never gets a shadow database to write to. */
export function schemaAdapter(url: string): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: "postgres",
    adapterName: "meridian-drift",
    connect: () => connect(url),
    connectToShadowDb: () => Promise.reject(new Error("There is no shadow database here.")),
  };
}
