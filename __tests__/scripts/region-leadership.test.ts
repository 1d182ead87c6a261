import { describe, expect, it } from "vitest";
import type { Attempt } from "@/lib/db/failover/attempt";
import type { RegionId } from "@/lib/db/regions/region-id";
import { joinHistories } from "@/lib/db/failover/joint-history";
import { attemptLine, statusLine } from "@/scripts/region/leadership-lines";

function attempt(more: Partial<Attempt>): Attempt {
  return {
    id: "1",
    kind: "automatic",
    from: "us-east-1" as RegionId,
    to: "eu-west-1" as RegionId,
    epoch: 2n,
    reason: "us-east-1 has no lease",
    requestedBy: "worker of eu-west-1",
    status: "completed",
    steps: [{ name: "promise", startedMs: 0, ms: 81, detail: "" }],
    failure: null,
    error: null,
    cut: {},
    requestedAt: "2026-01-01T00:00:00.000Z",
    startedAt: null,
    completedAt: "2026-01-01T00:00:01.000Z",
    ...more,
  };
}

describe("region history", () => {
  it("tells an attempt once, as the region that has it further, newest first", () => {
    const open = attempt({ id: "1", status: "in_progress", completedAt: null });
    const later = attempt({ id: "2", requestedAt: "2026-01-02T00:00:00.000Z" });
    const joined = joinHistories([[open], [attempt({}), later]], 10);
    expect(joined.map(({ id, status }) => [id, status])).toEqual([
      ["2", "completed"],
      ["1", "completed"],
    ]);
    expect(joinHistories([[open], [later]], 1)).toEqual([later]);
  });

  it("prints steps with their times, and why an attempt failed", () => {
    expect(attemptLine(attempt({}))).toContain("us-east-1 -> eu-west-1  completed");
    expect(attemptLine(attempt({}))).toContain("promise 81 ms");
    expect(attemptLine(attempt({ status: "failed", error: "No majority." }))).toContain(
      "failed: No majority.",
    );
  });

  it("says that a region was not reached rather than that it follows", () => {
    const line = statusLine({
      id: "eu-west-1" as RegionId,
      report: null,
      failure: "ECONNREFUSED",
    });
    expect(line).toContain("not reached: ECONNREFUSED");
  });
});
