import { sealData } from "iron-session";
import { vi } from "vitest";
import type { TestPlanet } from "@/__tests__/support/planet";
import { SESSION_COOKIE, type Role } from "@/lib/auth/session-options";
import type { Runtime } from "@/lib/db/regions/runtime";
import { getEnv } from "@/lib/env";

const holder = globalThis as { meridianRuntime?: Runtime };

/** Route handlers of this process serve from a region of the planet, until the returned function is called. */
export function serveFrom(planet: TestPlanet, vantage: string): () => void {
  for (const [id, name] of [
    ["us-east-1", "US_EAST"],
    ["eu-west-1", "EU_WEST"],
    ["ap-southeast-1", "AP_SOUTHEAST"],
  ] as const) {
    vi.stubEnv(`DB_${name}_READ`, planet.region(id).appUrl);
    vi.stubEnv(`DB_${name}_WRITE`, planet.region(id).appUrl);
  }
  holder.meridianRuntime = planet.runtime(vantage);
  return () => {
    delete holder.meridianRuntime;
    vi.unstubAllEnvs();
  };
}

/** Puts the cookie of somebody with this role into the jar of the request under test. */
export async function signInAs(
  jar: Map<string, string>,
  role: Role,
  publicName: string = role,
): Promise<void> {
  const known = { name: role, publicName, role };
  const user = { userId: `the-${role}`, email: `${role}@example.com`, ...known };
  const session = { ...user, sessionId: "s", revocationEpoch: 0 };
  jar.set(SESSION_COOKIE, await sealData(session, { password: getEnv().authSecret }));
}

export function healAll(planet: TestPlanet): void {
  for (const from of planet.ids) for (const to of planet.ids) planet.link(from, to).postgres.heal();
}
