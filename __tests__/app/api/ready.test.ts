import { expect, it, vi } from "vitest";
import { GET } from "@/app/api/health/ready/route";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

it("is not ready while no region answers", { timeout: 60_000 }, async () => {
  vi.stubEnv("AUTH_SECRET", "s".repeat(32));
  for (const { envKey } of DEFAULT_REGIONS) {
    vi.stubEnv(`DB_${envKey}_READ`, "postgresql://nobody@127.0.0.1:1/none");
    vi.stubEnv(`DB_${envKey}_WRITE`, "postgresql://nobody@127.0.0.1:1/none");
  }
  const response = await GET();
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    status: "unready",
    regions: Object.fromEntries(DEFAULT_REGIONS.map(({ id }) => [id, false])),
  });
});
