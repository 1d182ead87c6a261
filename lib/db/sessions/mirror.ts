import type { OptionalRedis } from "@/lib/db/redis";
import { TOKEN_LIFETIME_MS } from "./token";
import { mergePositions, parsePosition, type Position, type Positions } from "./positions";
import { isActor, type Actor } from "@/lib/db/regions/region-id";

/** Sessions kept in this process for when Redis is away. */
const MAX_LOCAL_USERS = 10_000;

const NONE: Positions = new Map();

// Positions are padded to 20 digits, so that Lua compares them as text: its numbers are doubles.
const MAX_MERGE = `
for i = 2, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if not old or old < ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HGETALL', KEYS[1])`;

// Removes an entry only while it is not newer than what every region has applied.
const PRUNE = `
for i = 1, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if old and old <= ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1`;

function key(userId: string): string {
  return `mr:session:${userId}`;
}

function toArguments(positions: Positions): string[] {
  return [...positions].flatMap(([actor, position]) => [
    actor,
    position.toString().padStart(20, "0"),
  ]);
}

/** Fields that are not positions were not written by us: as if they were not there. */
function fromHash(hash: Record<string, string>): Positions {
  const positions = new Map<Actor, Position>();
  for (const [actor, text] of Object.entries(hash)) {
    const position = parsePosition(text.replace(/^0+(?=\d)/, ""));
    if (position !== null && isActor(actor)) positions.set(actor, position);
  }
  return positions;
}

export interface MirrorAnswer {
  positions: Positions;
  complete: boolean;
}

/**
 * What each user's sessions have written or seen, shared by tabs, devices and processes: in Redis,
 * max-merged, and in this process's memory for while Redis is away. The cookie has the
 * session's own writes too; what it merely saw is here alone.
 */
export class SessionMirror {
  private readonly local = new Map<string, Positions>();

  /** `complete` is false while Redis is away: what other devices did is then not known. */
  async read(redis: OptionalRedis, userId: string): Promise<MirrorAnswer> {
    return this.toAnswer(userId, await redis.attempt((client) => client.hgetall(key(userId))));
  }

  /** The same and the field of a hash that is there too, in one trip. */
  async readBeside(
    redis: OptionalRedis,
    userId: string,
    hash: { key: string; field: string },
  ): Promise<MirrorAnswer & { beside: string | null }> {
    const [shared, beside] =
      (await redis.attemptAll((pipeline) =>
        pipeline.hgetall(key(userId)).hget(hash.key, hash.field),
      )) ?? [];
    return {
      ...this.toAnswer(userId, shared as Record<string, string> | undefined),
      beside: typeof beside === "string" ? beside : null,
    };
  }

  private toAnswer(userId: string, shared: Record<string, string> | undefined): MirrorAnswer {
    const own = this.local.get(userId) ?? NONE;
    if (shared === undefined) return { positions: own, complete: false };
    return { positions: mergePositions(own, fromHash(shared)), complete: true };
  }

  async merge(redis: OptionalRedis, userId: string, positions: Positions): Promise<Positions> {
    const own = mergePositions(this.local.get(userId) ?? NONE, positions);
    this.remember(userId, own);
    if (positions.size === 0) return own;
    const flat = await redis.attempt(
      (client) =>
        client.eval(
          MAX_MERGE,
          1,
          key(userId),
          TOKEN_LIFETIME_MS,
          // All of it: what was noted while Redis was away is not there yet.
          ...toArguments(own),
        ) as Promise<string[]>,
    );
    if (flat === undefined) return own;
    const hash: Record<string, string> = {};
    for (let i = 0; i + 1 < flat.length; i += 2) hash[flat[i] as string] = flat[i + 1] as string;
    return mergePositions(own, fromHash(hash));
  }

  /** Forgets entries up to `floor`, which every region has applied. */
  async prune(redis: OptionalRedis, userId: string, floor: Positions): Promise<void> {
    const own = this.local.get(userId);
    if (own) {
      this.remember(
        userId,
        new Map([...own].filter(([actor, position]) => position > (floor.get(actor) ?? -1n))),
      );
    }
    if (floor.size > 0)
      await redis.attempt((client) => client.eval(PRUNE, 1, key(userId), ...toArguments(floor)));
  }

  private remember(userId: string, positions: Positions): void {
    this.local.delete(userId);
    if (positions.size === 0) return;
    this.local.set(userId, positions);
    if (this.local.size > MAX_LOCAL_USERS) {
      const oldest = this.local.keys().next().value;
      if (oldest !== undefined) this.local.delete(oldest);
    }
  }
}
