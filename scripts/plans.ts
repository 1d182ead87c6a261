/** `npm run plans`: how the server runs each statement that is hot, into docs/PLANS.md. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { withSingleStore } from "./bench/single-store";
import { projectRoot } from "./local/paths";
import { connectExplained, type Plan } from "./plans/explain";
import { DOCUMENTS, fillTables, hotOperations, LARGE_TABLES } from "./plans/hot-operations";

const FILE = path.join(projectRoot, "docs/PLANS.md");

/** What is told of a statement: its end seldom says more. */
const STATEMENT_CHARACTERS = 240;

/** What is told of a plan: a look at all outboxes has a node for each. */
const PLAN_LINES = 40;

const INTRODUCTION = `# Plans of the hot statements

\`\`\`sh
npm run plans
\`\`\`

writes this file: \`EXPLAIN (ANALYZE, BUFFERS)\` of what runs often or over many rows, those inside of functions and
triggers included, as PostgreSQL's auto_explain tells them. The database is one region's, with
${DOCUMENTS.toLocaleString("en")} documents and players, and as many events in its outboxes; times are of a machine with two cores.
That none of them reads such a table from end to end is tested (\`__tests__/scripts/plans.pg.test.ts\`).
`;

await withSingleStore(async (store) => {
  const { url } = await store.create("plans");
  const connection = connectExplained(url);
  try {
    await fillTables(connection.pool);
    const sections: string[] = [];
    for (const { name, run } of await hotOperations(connection.db, connection.pool)) {
      // The first run plans, and fills caches.
      await run();
      const plans = await connection.explain(run);
      sections.push(`## ${capitalised(name)}\n\n${describeAll(plans)}`);
    }
    await writeFile(FILE, [INTRODUCTION, ...sections].join("\n"));
    console.log(`${sections.length} operations, ${path.relative(projectRoot, FILE)}`);
  } finally {
    await connection.close();
  }
});

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Each statement once, the first time; of those that concern small tables alone, how many there are. */
function describeAll(plans: readonly Plan[]): string {
  const byStatement = new Map<string, Plan[]>();
  for (const plan of plans) {
    const same = byStatement.get(plan.statement);
    if (same) same.push(plan);
    else byStatement.set(plan.statement, [plan]);
  }
  const kinds = [...byStatement.values()];
  const shown = kinds.filter(([plan]) => LARGE_TABLES.some((table) => plan?.text.includes(table)));
  const others = kinds.length - shown.length;
  return [
    ...shown.map(([plan, ...again]) => (plan ? describe(plan, again.length + 1) : "")),
    ...(others > 0 ? [`Statements on small tables, or on none: ${others}.\n`] : []),
  ].join("\n");
}

function describe({ statement, text }: Plan, times: number): string {
  const shown =
    statement.length > STATEMENT_CHARACTERS
      ? `${statement.slice(0, STATEMENT_CHARACTERS)} …`
      : statement;
  const lines = text.split("\n");
  const left = lines.length - PLAN_LINES;
  const plan = [...lines.slice(0, PLAN_LINES), ...(left > 0 ? [`… and ${left} lines more`] : [])];
  return `\`\`\`text\n${shown}${times > 1 ? ` (${times} times)` : ""}\n\n${plan.join("\n")}\n\`\`\`\n`;
}
