/** A path of this site from untrusted input, or the fallback. */
export function safeReturnPath(value: unknown, fallback: string): string {
  if (typeof value !== "string" || value.length > 500) return fallback;
  // "//host" and "/\host" are other sites to a browser.
  return /^\/(?![/\\])[^\s\\]*$/.test(value) ? value : fallback;
}
