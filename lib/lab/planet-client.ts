import { z } from "zod";
import type { PlanetControlAccess } from "@/lib/env";
import { MeridianError } from "@/lib/errors";
import { callsOf, type Fault } from "./fault";
import type { PlanetState } from "./planet-state";

/** The control is on this machine: one that is silent for so long is gone. */
const TIMEOUT_MS = 5_000;

/** The planet did not do what it was asked for. Its words hold neither address nor token. */
export class PlanetControlError extends MeridianError {
  constructor(message: string, cause?: unknown) {
    super("planet-control", message, { cause });
  }
}

const refusal = z.object({ error: z.string() });

/** The local planet's control server, as its web process reaches it. */
export class PlanetClient {
  constructor(private readonly access: PlanetControlAccess) {}

  state(): Promise<PlanetState> {
    return this.ask("GET", "/state");
  }

  /** Throws PlanetControlError, also for a region or a process that the planet has not. */
  async apply(fault: Fault): Promise<void> {
    for (const { path, body } of callsOf(fault)) await this.ask("POST", path, body);
  }

  /** Heals every link, continues what was paused, starts what is down. */
  reset(): Promise<PlanetState> {
    return this.ask("POST", "/reset");
  }

  private async ask<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.access.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.access.token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    }).catch((cause: unknown) => {
      throw new PlanetControlError("The planet's control does not answer.", cause);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as T;
    const said = refusal.safeParse(answer);
    throw new PlanetControlError(said.success ? said.data.error : `It said ${response.status}.`);
  }
}
