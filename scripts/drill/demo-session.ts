import { sealData } from "iron-session";
import { SESSION_COOKIE, SESSION_TTL_SECONDS, type SessionUser } from "@/lib/auth/session-options";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { DEMO_ACCOUNTS } from "@/scripts/seed-data";
import { openPlanet } from "./planet-runtime";

export interface DemoSession {
  userId: string;
  /** As signing in would give it. */
  cookie: string;
}

/** The demo writer's, on a planet that has its web. */
export async function demoSession(planet: ChildPlanet, sessionId: string): Promise<DemoSession> {
  const { regions } = openPlanet(planet);
  const { rows } = await regions[0]!.pool.query<{ id: string; email: string; name: string }>(
    `SELECT "id", "email", "name" FROM "User" WHERE "email" = $1`,
    [DEMO_ACCOUNTS[1]!.email],
  );
  await Promise.all(regions.map(({ pool }) => pool.end()));
  const { id: userId, email, name } = rows[0]!;
  const user: SessionUser = {
    userId,
    email,
    name,
    publicName: name,
    role: "user",
    sessionId,
    revocationEpoch: 0,
    accountEpoch: 0,
  };
  const { authSecret: password } = planet.secrets();
  const sealed = await sealData(user, { password, ttl: SESSION_TTL_SECONDS });
  return { userId, cookie: `${SESSION_COOKIE}=${sealed}` };
}
