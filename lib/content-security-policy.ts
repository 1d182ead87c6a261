/**
 * Of a page. Scripts run by this answer's nonce alone, and by what such a script loads. Styles may be inline: React
 * writes style attributes and the editor makes its own sheet; neither comes from what somebody typed.
 *
 * @param nonce not used before, and not to be guessed
 * @param development the development server evaluates text to replace modules
 */
export function pagePolicy(nonce: string, development: boolean): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    ...REFUSALS,
  ].join("; ");
}

/** Nobody may frame the site, re-base its links or send its forms elsewhere. */
const REFUSALS = [
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "object-src 'none'",
] as const;

/** Of what is no page: should a browser ever show it as one, it loads and runs nothing. */
export const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";
