import { Client } from "pg";

const CONNECT_TIMEOUT_MS = 15_000;

/** One connection for the time of `run`, closed whatever happens. */
export async function withClient<T>(
  url: string,
  applicationName: string,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on("error", () => undefined); // the running query reports it
  try {
    await client.connect();
    return await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
