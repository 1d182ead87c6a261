/** Null until the form was refused. A password is never sent back. */
export type SessionFormState = {
  message: string;
  fields: Record<string, string>;
  values: { name: string; email: string; residency: string };
} | null;
