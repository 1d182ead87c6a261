/**
 * A field of a form as text; empty where there is none, or a file. An action is an endpoint: what is sent in place of
 * a form has no fields.
 */
export function text(form: unknown, name: string): string {
  const value = form instanceof FormData ? form.get(name) : null;
  return typeof value === "string" ? value : "";
}

/** Of a textarea: browsers send its line ends as CRLF, whatever was typed or loaded into it. */
export function lines(form: unknown, name: string): string {
  return text(form, name).replaceAll("\r\n", "\n");
}

export function has(form: unknown, name: string): boolean {
  return form instanceof FormData && form.has(name);
}
