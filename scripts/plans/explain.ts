import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { PrismaClient } from "@/lib/generated/prisma/client";

/** A statement as the server ran it, those inside of functions and triggers included. */
export interface Plan {
  /** Of the statement, on one line. */
  statement: string;
  /** What `EXPLAIN (ANALYZE, BUFFERS)` says of it. */
  text: string;
}

/** A connection whose statements say how they were run, and Prisma over it. */
export interface ExplainedConnection {
  pool: pg.Pool;
  db: PrismaClient;
  /** The plans of what `work` runs, in the order in which its statements ended. */
  explain(work: () => Promise<unknown>): Promise<Plan[]>;
  close(): Promise<void>;
}

/** PostgreSQL's auto_explain, for this connection alone; only a superuser may ask for it. */
const SETTINGS = {
  session_preload_libraries: "auto_explain",
  client_min_messages: "log",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_nested_statements": "on",
};

const NOTICE = /^duration: [\d.]+ ms {2}plan:\nQuery Text: ([\s\S]*)$/;

/** A plan begins at the first line that has costs, which is never one of the statement's own. */
const FIRST_NODE = /^[A-Z][^\n]*\(cost=/m;

/** @param url of a superuser, not by way of a pooler */
export function connectExplained(url: string): ExplainedConnection {
  const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  const pool = new pg.Pool({ connectionString: url, max: 1, options: options.join(" ") });
  let plans: Plan[] = [];
  pool.on("connect", (client) => {
    client.on("notice", ({ message }) => {
      const plan = parseNotice(message ?? "");
      if (plan) plans.push(plan);
    });
  });
  const db = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    pool,
    db,
    explain: async (work) => {
      plans = [];
      await work();
      return plans;
    },
    close: async () => {
      await db.$disconnect();
      await pool.end();
    },
  };
}

/** Null for what is not of auto_explain. */
export function parseNotice(message: string): Plan | null {
  const body = NOTICE.exec(message)?.[1];
  const node = body === undefined ? null : FIRST_NODE.exec(body);
  if (body === undefined || node === null) return null;
  return {
    statement: body.slice(0, node.index).replaceAll(/\s+/g, " ").trim(),
    text: body.slice(node.index).trimEnd(),
  };
}

/** Tables that a plan reads from end to end, by name. */
export function scannedTables({ text }: Plan): string[] {
  return [...text.matchAll(/Seq Scan on ("?)([\w.]+)\1/g)].map((match) => match[2] ?? "");
}
