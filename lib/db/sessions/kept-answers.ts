import { createHmac, timingSafeEqual } from "node:crypto";
import { parse, stringify } from "devalue";
import type { EntityType } from "@/lib/db/conflicts/entities";
import type { OptionalRedis } from "@/lib/db/redis";
import { isActor, type Actor, type RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import {
  missingPositions,
  parsePosition,
  positionsFromJson,
  positionsToJson,
  type Position,
  type Positions,
  type PositionsJson,
} from "./positions";

/** Names an answer that the region which gave it may keep. */
export interface CacheKey {
  /** The row that it is of: it is dropped as soon as the region has a change of that row. */
  entity: EntityType;
  id: string;
  /** What of the row: another name for everything else that the answer depends on, such as who reads. */
  variant: string;
}

export interface KeptAnswer<T> {
  data: T;
  /** What the region was known to have before the answer was read. */
  had: Positions;
  /** What the answer may show. */
  shown: Positions;
}

/**
 * An answer is served while it has what its region had this long ago, as the region itself said since. Whatever is lost
 * or late, an answer that lacks something is not shown for longer; `SETTLED_AFTER_MS` has to be longer still.
 */
export const KEPT_WITHIN_MS = 5_000;

/** After which Redis may forget it: nobody takes it any more. */
const EXPIRES_MS = 2 * KEPT_WITHIN_MS;

/** Characters of an answer that is kept. */
const MAX_LENGTH = 64 * 1024;

/** Of one row. */
const MAX_VARIANTS = 64;

// The line of what it had comes first in an answer, so that an older one does not replace a newer one. Positions are
// compared as text, as in mirror.ts.
const KEEP = `
local old = redis.call('HGET', KEYS[1], ARGV[3])
if old then
  local had = {}
  for i = 5, #ARGV, 2 do had[ARGV[i]] = ARGV[i + 1] end
  for actor, position in string.gmatch(string.match(old, '^[^\\n]*'), '([^= ]+)=(%d+)') do
    if not had[actor] or had[actor] < position then return 0 end
  end
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`;

/** Where the answers of a row are kept in its region's Redis: a hash with a field for each variant. */
export function keptKey(region: RegionId, entity: string, id: string): string {
  return `mr:kept:${region}:${entity}:${id}`;
}

const toLine = (had: Positions) =>
  [...had].map(([actor, position]) => `${actor}=${position.toString().padStart(20, "0")}`);

/** Null for what `toLine` does not write. */
function fromLine(line: string): Positions | null {
  const had = new Map<Actor, Position>();
  for (const part of line === "" ? [] : line.split(" ")) {
    const [actor = "", digits = ""] = part.split("=");
    const position = parsePosition(digits.replace(/^0+(?=\d)/, ""));
    if (position === null || !isActor(actor)) return null;
    had.set(actor, position);
  }
  return had;
}

/** Signed, with where it is kept: what somebody else put there is not shown to anybody. */
function sign(secret: string, place: readonly string[], line: string, body: string): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify(["meridian-kept-v1", ...place, line]))
    .update(body)
    .digest("base64url");
}

const placeOf = (region: RegionId, { entity, id, variant }: CacheKey) => [
  region,
  entity,
  id,
  variant,
];

/** Null for what can't be kept: it is too long, or more than plain data. */
export function encodeKept<T>(
  secret: string,
  region: RegionId,
  key: CacheKey,
  answer: KeptAnswer<T>,
): string | null {
  try {
    const body = stringify({ shown: positionsToJson(answer.shown), data: answer.data });
    const line = toLine(answer.had).join(" ");
    const text = `${line}\n${sign(secret, placeOf(region, key), line, body)}\n${body}`;
    return text.length <= MAX_LENGTH ? text : null;
  } catch (err) {
    getLogger("sessions").debug({ err, key }, "answer not kept");
    return null;
  }
}

/** Null for all that `encodeKept` did not make for this place. */
export function decodeKept<T>(
  secret: string,
  region: RegionId,
  key: CacheKey,
  text: string,
): KeptAnswer<T> | null {
  const [line = "", given = "", body] = split(text);
  if (body === undefined) return null;
  const wanted = Buffer.from(sign(secret, placeOf(region, key), line, body));
  const signature = Buffer.from(given);
  if (signature.length !== wanted.length || !timingSafeEqual(signature, wanted)) return null;
  const had = fromLine(line);
  try {
    const { shown: json, data } = parse(body) as { shown: PositionsJson; data: T };
    const shown = positionsFromJson(json);
    return had === null || shown === null ? null : { data, had, shown };
  } catch (err) {
    // Ours, and of another version: what the library writes need not be what a later one reads.
    getLogger("sessions").debug({ err, key }, "kept answer not read");
    return null;
  }
}

function split(text: string): [string?, string?, string?] {
  const first = text.indexOf("\n");
  const second = text.indexOf("\n", first + 1);
  if (first < 0 || second < 0) return [];
  return [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)];
}

/**
 * Whether an answer may be shown to a session: it has all that the session wrote or saw, and all that its region had a
 * moment ago. The second is for what the session has forgotten since every region has it.
 *
 * @param recent what the region said that it has, within KEPT_WITHIN_MS; null: nothing
 */
export function isServable(
  { had }: Pick<KeptAnswer<unknown>, "had">,
  entries: Positions,
  recent: Positions | null,
): boolean {
  return (
    recent !== null &&
    missingPositions(entries, had).size === 0 &&
    missingPositions(recent, had).size === 0
  );
}

/** Never throws. */
export async function keepAnswer(
  redis: OptionalRedis,
  { region, key, had, text }: { region: RegionId; key: CacheKey; had: Positions; text: string },
): Promise<void> {
  await redis.attempt((client) =>
    client.eval(
      KEEP,
      1,
      keptKey(region, key.entity, key.id),
      EXPIRES_MS,
      MAX_VARIANTS,
      key.variant,
      text,
      ...toLine(had).flatMap((part) => part.split("=")),
    ),
  );
}
