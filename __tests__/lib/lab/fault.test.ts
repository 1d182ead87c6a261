import { describe, expect, it } from "vitest";
import { callsOf, describeFault, faultSchema, type Fault } from "@/lib/lab/fault";
import { isOpen, type PlanetLinkState } from "@/lib/lab/planet-state";

const [A, B] = ["us-east-1", "eu-west-1"] as const;
const link = (action: Extract<Fault, { kind: "link" }>["action"], delayMs?: number): Fault => ({
  kind: "link",
  from: A,
  to: B,
  action,
  ...(delayMs === undefined ? {} : { delayMs }),
});

describe("a fault", () => {
  it.each([
    [{ kind: "database", region: A, action: "kill" }, "postgres-us-east-1", "kill"],
    [{ kind: "database", region: A, action: "keep-down" }, "postgres-us-east-1", "hold"],
    [{ kind: "database", region: A, action: "pause" }, "postgres-us-east-1", "stop"],
    [{ kind: "database", region: A, action: "continue" }, "postgres-us-east-1", "continue"],
    [{ kind: "database", region: A, action: "start" }, "postgres-us-east-1", "start"],
    [{ kind: "worker", region: B, action: "kill" }, "worker-eu-west-1", "kill"],
    [{ kind: "redis", action: "keep-down" }, "redis", "hold"],
    [{ kind: "redis", action: "start" }, "redis", "start"],
  ] as const)("%j is a call for one process", (fault, name, action) => {
    expect(callsOf(fault)).toEqual([{ path: `/processes/${name}`, body: { action } }]);
  });

  it("sets one clock", () => {
    expect(callsOf({ kind: "clock", region: B, aheadMs: -5_000 })).toEqual([
      { path: "/clocks/eu-west-1", body: { aheadMs: -5_000 } },
    ]);
  });

  it.each([
    { kind: "clock", region: A, aheadMs: 3_600_000 },
    { kind: "clock", region: A },
    { kind: "database", region: A, action: "format" },
    { kind: "database", action: "kill" },
    { kind: "web", action: "kill" },
    { kind: "link", from: A, to: B, action: "delay" },
    { kind: "link", from: A, to: B, action: "cut", delayMs: 5 },
    { kind: "link", from: A, to: B, action: "delay", delayMs: 60_000 },
    { kind: "redis", action: "kill", path: "/reset" },
    null,
  ])("%j is none", (body) => {
    expect(faultSchema.safeParse(body).success).toBe(false);
  });

  it("cannot name a path of its own", () => {
    const [call] = callsOf({ kind: "database", region: "../reset", action: "kill" });
    expect(call?.path).toBe("/processes/postgres-..%2Freset");
  });

  it("is told in words", () => {
    const city = (id: string) => ({ [A]: "Virginia", [B]: "Dublin" })[id] ?? id;
    expect(describeFault(link("cut-there"), city)).toBe("Cut the way from Virginia to Dublin");
    expect(describeFault(link("cut-back"), city)).toBe("Cut the way from Dublin to Virginia");
    expect(describeFault(link("delay", 500), city)).toContain("to 500 ms each way");
    const clock = (aheadMs: number) => describeFault({ kind: "clock", region: B, aheadMs }, city);
    expect(clock(5_000)).toBe("Set the clock of Dublin 5 s ahead");
    expect(clock(-5_000)).toBe("Set the clock of Dublin 5 s back");
    expect(clock(0)).toBe("Set the clock of Dublin right");
  });
});

describe("a cut", () => {
  const usual = { delayMs: 38, usualDelayMs: 38 };
  /** The links after the calls that a fault makes, as the planet's control would have them. */
  function after(fault: Fault): PlanetLinkState[] {
    return callsOf(fault).map(({ path, body }) => {
      const [, , from, to] = path.split("/") as [string, string, string, string];
      const cut = body.cut as "both" | "to-target" | "from-target" | undefined;
      return {
        from,
        to,
        ...usual,
        state: cut ? { kind: "cut", direction: cut } : { kind: "open" },
      };
    });
  }

  it.each([
    ["cut", false, false],
    ["cut-there", false, true],
    ["cut-back", true, false],
    ["heal", true, true],
  ] as const)("%s lets through there: %s, back: %s", (action, there, back) => {
    const links = after(link(action));
    expect(links.map(({ from }) => from)).toEqual([A, B]);
    expect(isOpen(links, A, B)).toBe(there);
    expect(isOpen(links, B, A)).toBe(back);
  });

  it("of one pair of regions is none of another", () => {
    expect(isOpen(after(link("cut")), A, "ap-southeast-1")).toBe(true);
  });

  it("by a machine that refuses is one both ways", () => {
    const links: PlanetLinkState[] = [{ from: A, to: B, ...usual, state: { kind: "refused" } }];
    expect(isOpen(links, A, B)).toBe(false);
    expect(isOpen(links, B, A)).toBe(false);
  });
});
