import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { mergePositions, positionsFromJson, positionsToJson, type Positions } from "./positions";

/** Longest token that is issued or looked at, in characters. */
export const MAX_TOKEN_LENGTH = 512;

/** Longer than any sign-in. Entries leave a token when every region has applied them, not by age. */
export const TOKEN_LIFETIME_MS = 30 * 24 * 3_600_000;

/** Whose token it is; a token of another user or session is not accepted. */
export interface TokenOwner {
  userId: string;
  sessionId: string;
}

export type TokenProblem = "malformed" | "oversized" | "forged" | "foreign" | "expired";

/** What a request brought along. */
export type SessionToken =
  | { kind: "none" }
  | { kind: "valid"; positions: Positions }
  /** Nothing of it is believed; reads go to the leader, with what the mirror knows of the session. */
  | { kind: "invalid"; problem: TokenProblem };

/** Signing keys by id: the first one signs, every one verifies, so that a key can be rotated. */
export type TokenKeys = readonly { id: string; secret: string }[];

const payloadSchema = z
  .object({
    /** Key id. */
    k: z.string().max(8),
    /** Whose it is: a digest, so that a long user id does not fill the token. */
    o: z.string().length(16),
    /** Expiry, ms since the epoch. */
    e: z.number().int().nonnegative(),
    p: z.record(z.string(), z.string()),
  })
  .strict();

function sign(secret: string, body: string): Buffer {
  return createHmac("sha256", secret).update("meridian-session-v1.").update(body).digest();
}

function ownerDigest(secret: string, owner: TokenOwner): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify([owner.userId, owner.sessionId]))
    .digest("base64url")
    .slice(0, 16);
}

/**
 * `<payload>.<HMAC-SHA256>`, both base64url, at most MAX_TOKEN_LENGTH characters. Null when the
 * positions do not fit: the caller then relies on the mirror alone.
 */
export function issueToken(
  keys: TokenKeys,
  owner: TokenOwner,
  positions: Positions,
  nowMs: number,
): string | null {
  const key = keys[0];
  if (!key) throw new RangeError("No signing key");
  const payload: z.infer<typeof payloadSchema> = {
    k: key.id,
    o: ownerDigest(key.secret, owner),
    e: nowMs + TOKEN_LIFETIME_MS,
    p: positionsToJson(positions),
  };
  const body = Buffer.from(JSON.stringify(payload)).toString("base64url");
  const token = `${body}.${sign(key.secret, body).toString("base64url")}`;
  return token.length <= MAX_TOKEN_LENGTH ? token : null;
}

/** Never throws, whatever the text. */
export function parseToken(
  keys: TokenKeys,
  owner: TokenOwner,
  text: string | null | undefined,
  nowMs: number,
): SessionToken {
  if (text === null || text === undefined || text === "") return { kind: "none" };
  const invalid = (problem: TokenProblem): SessionToken => ({ kind: "invalid", problem });
  if (text.length > MAX_TOKEN_LENGTH) return invalid("oversized");
  const [body, signature, ...rest] = text.split(".");
  if (!body || !signature || rest.length > 0) return invalid("malformed");

  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  } catch {
    return invalid("malformed");
  }
  const parsed = payloadSchema.safeParse(json);
  if (!parsed.success) return invalid("malformed");
  const key = keys.find((candidate) => candidate.id === parsed.data.k);
  if (!key) return invalid("forged");
  // As text: several texts decode to the same bytes.
  const given = Buffer.from(signature);
  const expected = Buffer.from(sign(key.secret, body).toString("base64url"));
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return invalid("forged");
  if (parsed.data.o !== ownerDigest(key.secret, owner)) return invalid("foreign");
  if (parsed.data.e <= nowMs) return invalid("expired");
  const positions = positionsFromJson(parsed.data.p);
  return positions === null ? invalid("malformed") : { kind: "valid", positions };
}

/** Two tabs or devices: the session has seen what either has seen. */
export function mergeTokens(a: SessionToken, b: SessionToken): SessionToken {
  if (a.kind === "valid" && b.kind === "valid") {
    return { kind: "valid", positions: mergePositions(a.positions, b.positions) };
  }
  if (a.kind === "invalid") return a;
  return b.kind === "none" ? a : b;
}
