import type pg from "pg";
import { describe, expect, test } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import { identifySource, RestoredSourceError } from "@/lib/db/replication/repair/source-identity";

const ORIGIN = "us-east-1" as RegionId;

/** A source that counts on, and a target that other processes tell of it meanwhile. */
class World {
  beat = 7;
  seen = 7;

  /** @param meanwhile happens after each question */
  constructor(private readonly meanwhile: (world: World) => void = () => undefined) {}

  identify(): Promise<string> {
    const answer = (rows: unknown[]) => {
      this.meanwhile(this);
      return Promise.resolve({ rows });
    };
    const source = {
      query: (text: string) =>
        answer(
          text.includes("local_actor")
            ? [{ actor: ORIGIN }]
            : [{ boot: "b", beat: String(this.beat) }],
        ),
    } as unknown as pg.Pool;
    const target = {
      query: () => answer([{ boot: "b", beat: String(this.seen) }]),
    } as unknown as pg.Pool;
    return identifySource(source, target, ORIGIN);
  }
}

describe("who a source is", () => {
  test("is its actor while it knows all that was seen of it", async () => {
    expect(await new World().identify()).toBe(ORIGIN);
  });

  test("is nobody while it is an older copy", async () => {
    const world = new World();
    world.beat = 6;
    await expect(world.identify()).rejects.toThrow(RestoredSourceError);
  });

  test("is no older copy where somebody sees more of it between two questions", async () => {
    const world = new World((now) => {
      now.beat += 1;
      now.seen = now.beat;
    });
    expect(await world.identify()).toBe(ORIGIN);
  });
});
