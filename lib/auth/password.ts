import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";

/**
 * Cost of a new hash: 32 MiB and about 0.2 s on one core. The three numbers are kept in the hash
 * string, so raising them later leaves the old hashes valid.
 */
const COST = { N: 2 ** 15, r: 8, p: 3 } as const;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** Bounds on what a stored hash may ask of this process; a row cannot order a gigabyte. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024;
const MAX_PARALLEL = 16;

interface ParsedHash {
  cost: { N: number; r: number; p: number };
  salt: Buffer;
  key: Buffer;
}

/**
 * Hashes a password with scrypt (RFC 7914).
 *
 * @returns `scrypt$N$r$p$salt$key`, salt and key in base64url.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, KEY_BYTES, COST);
  return [
    "scrypt",
    COST.N,
    COST.r,
    COST.p,
    salt.toString("base64url"),
    key.toString("base64url"),
  ].join("$");
}

/**
 * Whether `password` is the one `stored` was made from. Compares in constant time. A malformed
 * `stored` is `false`, never an exception: it is data.
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parseHash(stored);
  if (!parsed) return false;
  const key = await derive(password, parsed.salt, parsed.key.length, parsed.cost);
  return timingSafeEqual(key, parsed.key);
}

let decoy: Promise<string> | undefined;

/** A hash of nothing anyone knows: checking against it costs what a real check costs. */
export function decoyHash(): Promise<string> {
  decoy ??= hashPassword(randomBytes(24).toString("base64url"));
  return decoy;
}

function parseHash(stored: string): ParsedHash | null {
  const match = /^scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([\w-]{8,128})\$([\w-]{22,128})$/.exec(
    stored,
  );
  if (!match) return null;
  const [, n, r, p, salt = "", key = ""] = match;
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  const powerOfTwo = cost.N > 1 && (cost.N & (cost.N - 1)) === 0;
  const affordable =
    cost.r >= 1 &&
    cost.p >= 1 &&
    cost.p <= MAX_PARALLEL &&
    128 * cost.N * cost.r <= MAX_MEMORY_BYTES;
  if (!powerOfTwo || !affordable) return null;
  return { cost, salt: Buffer.from(salt, "base64url"), key: Buffer.from(key, "base64url") };
}

function derive(
  password: string,
  salt: Buffer,
  bytes: number,
  cost: { N: number; r: number; p: number },
): Promise<Buffer> {
  // NFKC, so that the same characters typed on two keyboards are the same password.
  const normalised = password.normalize("NFKC");
  const options: ScryptOptions = { ...cost, maxmem: 2 * MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(normalised, salt, bytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
