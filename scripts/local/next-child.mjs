// Serves the app: node next-child.mjs dev|production <port> <host> [folder]. It calls what `next dev` and
// `next start` call, in this process: `next dev` would put the server into a child of its own, and
// whoever kills that child leaves a parent behind that neither serves nor ends.
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [mode, port, hostname, folder = "."] = process.argv.slice(2);
const isDev = mode === "dev";
process.env.NODE_ENV = isDev ? "development" : "production";
process.env.NEXT_RUNTIME = "nodejs";

const require = createRequire(import.meta.url);
const { startServer } = require("next/dist/server/lib/start-server");
const dir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..", folder);

await startServer({ dir, port: Number(port), hostname, isDev, allowRetry: false });
process.send?.("ready");
