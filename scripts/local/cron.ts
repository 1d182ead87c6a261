import { errorMessage } from "@/lib/errors";
import type { PlanetReport } from "@/scripts/local/planet-report";

const EVERY_MS = 60_000;

/** Calls the cron route once a minute, as the scheduler of a platform would, until the signal aborts. */
export function startCron(
  web: string,
  secret: string,
  report: PlanetReport,
  signal: AbortSignal,
): void {
  const tick = async () => {
    const headers = { authorization: `Bearer ${secret}` };
    const response = await fetch(`${web}/api/cron/tick`, { headers, signal });
    if (!response.ok) report.event(`A cron job answered ${response.status}`);
  };
  const timer = setInterval(() => {
    tick().catch((error: unknown) => {
      if (!signal.aborted) report.event(`A cron job failed: ${errorMessage(error)}`);
    });
  }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
