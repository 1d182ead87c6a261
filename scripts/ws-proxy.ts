/** `npm run ws-proxy -- --allow db-us-east:5432`: WebSockets in front of databases that take none, for Neon's driver. */
import { Command } from "commander";
import { WsProxy } from "@/scripts/local/ws-proxy";

interface Flags {
  host: string;
  port: string;
  allow: string[];
}

const { host, port, allow } = new Command("ws-proxy")
  .description(
    "Opens a connection to ?address=host:port for each WebSocket, and passes on what comes.",
  )
  .option("--host <address>", "where to listen", "127.0.0.1")
  .option("--port <number>", "where to listen; 0: any", "5480")
  .requiredOption("--allow <addresses...>", "databases that may be reached, host:port each")
  .parse()
  .opts<Flags>();

const allowed = new Set(allow);
const proxy = new WsProxy({
  host,
  port: Number(port),
  allows: (address) => allowed.has(address),
});
await proxy.start();
console.log(`Takes WebSockets on ${host}:${proxy.port} for ${[...allowed].join(", ")}.`);
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => void proxy.stop());
