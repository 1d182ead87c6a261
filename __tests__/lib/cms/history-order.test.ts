import { describe, expect, it } from "vitest";
import { inOrder } from "@/lib/cms/history-order";
import { compareClocks, type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { versionName } from "@/lib/cms/views";

const version = (id: string, seconds: number, contentClock: VectorClock) => ({
  ...{ id, contentClock },
  createdAt: new Date(seconds * 1_000),
});

const ids = (versions: readonly { id: string }[]) => versions.map(({ id }) => id).join(" ");

describe("the order of a history", () => {
  it("is that of causes, although a region's clock is behind", () => {
    const first = version("first", 20, { us: 1 });
    const then = version("then", 10, { us: 1, eu: 1 });
    expect(ids(inOrder([first, then]))).toBe("then first");
  });

  it("is that of clocks among those that knew nothing of each other", () => {
    const created = version("created", 1, { us: 1 });
    const [a, b] = [version("a", 2, { us: 1, eu: 1 }), version("b", 4, { us: 1, eu: 2 })];
    const late = version("late", 5, { us: 2 });
    expect(ids(inOrder([created, a, b, late]))).toBe("late b a created");
  });

  it("is the same whatever order they come in, of equals too", () => {
    const all = [
      version("a", 1, { us: 1 }),
      version("b", 1, { eu: 1 }),
      version("c", 1, { us: 1, eu: 1, ap: 1 }),
      version("d", 3, { us: 2 }),
      version("e", 0, { us: 2, eu: 1, ap: 1 }),
    ];
    const expected = ids(inOrder(all));
    for (let n = 0; n < all.length; n++) {
      const turned = [...all.slice(n), ...all.slice(0, n)];
      const ordered = inOrder(turned.reverse());
      expect(ids(ordered)).toBe(expected);
      for (const [index, one] of ordered.entries()) {
        for (const below of ordered.slice(index + 1)) {
          expect(compareClocks(one.contentClock, below.contentClock)).not.toBe("before");
        }
      }
    }
  });
});

describe("the name of a version", () => {
  it.each([
    [{ "us-east-1": 4, "eu-west-1": 2 }, "us-east-1 4"],
    [{ "us-east-1": 4, "us-east-1#2": 1, "us-east-1#10": 3 }, "us-east-1#10 3"],
    [{ "eu-west-1": 2 }, "us-east-1 0"],
  ])("is of its region's last actor: %j", (contentClock, name) => {
    expect(versionName({ regionId: "us-east-1", contentClock })).toBe(name);
  });
});
