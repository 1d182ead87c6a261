import { z } from "zod";
import type { OptionalRedis } from "@/lib/db/redis";
import type { RegionId } from "@/lib/db/multi-region-config";
import { regionIds } from "@/lib/db/regions/topology";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";

/** Somebody who has the document open. */
export interface Present {
  userId: string;
  name: string;
  /** The region that their editor talks to. */
  regionId: string;
}

/** Who has not been heard of for this long is gone. */
const PRESENT_MS = 10_000;

/** How long an answer waits for what far regions say; what comes later is in the next one. */
const WAIT_MS = 100;

/** Documents that one process remembers the last news of. */
const MAX_KNOWN = 500;

const member = z.object({ u: z.string(), n: z.string(), r: z.string(), t: z.string() });

interface Heard {
  present: Present & { tab: string };
  untilMs: number;
}

const keyOf = (documentId: string) => `mr:present:${documentId}`;

/**
 * Who has a document open, as a courtesy: kept in the Redis of the region that each of them talks
 * to, and read from all of them. Without Redis nobody is shown and nothing else changes.
 */
export class Presence {
  private readonly known = new Map<string, Heard[]>();

  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Says that somebody is there, and returns the others. Never throws, and never waits long. */
  async meet(
    vantage: RegionId,
    documentId: string,
    self: { userId: string; name: string; tab: string },
  ): Promise<Present[]> {
    const { topology, redis } = this.runtime();
    const stores = new Set(regionIds(topology).map((region) => redis.of(vantage, region)));
    const own = redis.of(vantage, vantage);
    const entry = { u: self.userId, n: self.name, r: vantage, t: self.tab };
    const reads = [...stores].map(async (store) => {
      if (store === own) await this.note(store, documentId, JSON.stringify(entry));
      this.learn(documentId, await this.read(store, documentId));
    });
    await Promise.race([
      Promise.all(reads),
      new Promise((resolve) => setTimeout(resolve, WAIT_MS).unref()),
    ]);
    return this.around(documentId, self);
  }

  private note(store: OptionalRedis, documentId: string, entry: string) {
    const key = keyOf(documentId);
    return store.attempt((client) =>
      client
        .multi()
        .zremrangebyscore(key, 0, this.nowMs())
        .zadd(key, this.nowMs() + PRESENT_MS, entry)
        .pexpire(key, 2 * PRESENT_MS)
        .exec(),
    );
  }

  private async read(store: OptionalRedis, documentId: string): Promise<Heard[]> {
    const found = await store.attempt((client) =>
      client.zrangebyscore(keyOf(documentId), this.nowMs(), "+inf", "WITHSCORES"),
    );
    if (!found) return [];
    return found.flatMap((text, index) => {
      if (index % 2 === 1) return [];
      const entry = parse(text);
      const untilMs = Number(found[index + 1]);
      if (!entry || !Number.isFinite(untilMs)) return [];
      const present = { userId: entry.u, name: entry.n, regionId: entry.r, tab: entry.t };
      return [{ present, untilMs: Math.min(untilMs, this.nowMs() + PRESENT_MS) }];
    });
  }

  private learn(documentId: string, news: Heard[]): void {
    const now = this.nowMs();
    const byTab = new Map<string, Heard>();
    for (const heard of [...(this.known.get(documentId) ?? []), ...news]) {
      if (heard.untilMs <= now) continue;
      const { tab } = heard.present;
      if (heard.untilMs >= (byTab.get(tab)?.untilMs ?? 0)) byTab.set(tab, heard);
    }
    this.known.delete(documentId);
    this.known.set(documentId, [...byTab.values()]);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(oldest);
    }
  }

  /** One entry a person, whatever number of tabs they have open. */
  private around(documentId: string, self: { userId: string }): Present[] {
    const now = this.nowMs();
    const people = new Map<string, Present>();
    for (const { present, untilMs } of this.known.get(documentId) ?? []) {
      const { userId, name, regionId } = present;
      if (untilMs > now && userId !== self.userId) people.set(userId, { userId, name, regionId });
    }
    return [...people.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function parse(text: string): z.infer<typeof member> | null {
  try {
    return member.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const holder = globalThis as { meridianPresence?: Presence };

/** The process's. On globalThis, because a development server reloads modules. */
export function defaultPresence(): Presence {
  return (holder.meridianPresence ??= new Presence());
}
