import path from "node:path";
import react from "@vitejs/plugin-react";
import { configDefaults, defineConfig } from "vitest/config";

const root = import.meta.dirname ?? process.cwd();
const resolve = {
  alias: [
    { find: "server-only", replacement: path.join(root, "__tests__/support/empty.ts") },
    { find: /^@\//, replacement: `${root}/` },
  ],
};
const exclude = [...configDefaults.exclude, ".next*/**", ".local/**", ".cache/**", "artifacts/**"];
const PG = "__tests__/**/*.pg.test.ts";
/** What asserts how long something takes while leases of a second run out, or takes the whole machine. */
const TIMED = [
  "__tests__/app/**/*.pg.test.ts",
  "__tests__/lib/db/failover/**/*.pg.test.ts",
  "__tests__/lib/db/{failover-manager,repair-join,replication-extremes,sessions}.pg.test.ts",
];
const E2E = "__tests__/e2e/**/*.e2e.test.ts";

/** What a test file needs is said by its suffix. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          include: ["__tests__/**/*.test.ts"],
          exclude: [...exclude, PG, E2E],
          environment: "node",
          testTimeout: 15_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        plugins: [react()],
        test: {
          name: "dom",
          include: ["__tests__/**/*.test.tsx"],
          exclude,
          environment: "jsdom",
          setupFiles: ["__tests__/support/dom.ts"],
          testTimeout: 15_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          name: "pg",
          include: [PG],
          exclude: [...exclude, ...TIMED],
          environment: "node",
          globalSetup: ["__tests__/support/global-stores.ts"],
          // global-stores.ts starts as many sets of databases.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        test: {
          name: "pg-timed",
          include: TIMED,
          exclude,
          environment: "node",
          globalSetup: ["__tests__/support/global-stores.ts"],
          // One file at a time keeps times honest.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve,
        test: {
          name: "e2e",
          include: [E2E],
          exclude,
          environment: "node",
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
