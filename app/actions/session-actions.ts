"use server";

import { headers } from "next/headers";
import { redirect, RedirectType } from "next/navigation";
import type { SessionFormState } from "@/components/session/session-form-state";
import {
  authenticate,
  createAccount,
  signInInput,
  signUpInput,
  type AccountRefusal,
} from "@/lib/auth/accounts";
import { safeReturnPath } from "@/lib/auth/return-path";
import { endSession, startSession } from "@/lib/auth/session";
import { geoReplication, type WriteEvent } from "@/lib/db/geo-replication";
import type { RegionId } from "@/lib/db/multi-region-config";
import { readYourWrites, type SessionToken } from "@/lib/db/read-your-writes";
import { check } from "@/lib/documents/validation";
import { chooseView, dropToken, getRequestContext, keepToken } from "@/lib/request-context";
import { text } from "./form-text";

const HOME = "/documents";

/** At which field of the form it is said. */
const FIELDS: Readonly<Partial<Record<AccountRefusal, string>>> = {
  "email-taken": "email",
  "not-kept-there": "residency",
};

export async function signUp(_: SessionFormState, form: FormData): Promise<SessionFormState> {
  const input = check(signUpInput, {
    ...pick(form, ["name", "email", "password"]),
    residency: text(form, "residency") || undefined,
  });
  if (!input.ok) return toState(input, form);
  const { vantage } = await getRequestContext();
  const result = await createAccount(input.value, vantage);
  if (!result.ok) {
    const field = FIELDS[result.code];
    const fields = field === undefined ? undefined : { [field]: result.message };
    return toState({ message: result.message, fields }, form);
  }
  const user = await startSession(result.account);
  let token: SessionToken = { kind: "none" };
  if (result.kept) {
    const kept = { entityType: "Placement", entityId: user.userId, ...result.kept } as const;
    token = { kind: "valid", positions: await noted(kept, user.userId, vantage, token) };
  }
  const written = { entityType: "User", entityId: user.userId, ...result.write } as const;
  const open = await noted(written, user.userId, vantage, token);
  await keepToken(open, user);
  redirect(safeReturnPath(text(form, "next"), HOME));
}

/** Tells the others of a write, and notes it for the session: what the session must see from then on. */
async function noted(write: WriteEvent, userId: string, vantage: RegionId, token: SessionToken) {
  const [open] = await Promise.all([
    readYourWrites.recordWrite(userId, write, { vantage, token }),
    geoReplication.publishWrite(write, vantage),
  ]);
  return open;
}

export async function signIn(_: SessionFormState, form: FormData): Promise<SessionFormState> {
  const input = check(signInInput, pick(form, ["email", "password"]));
  if (!input.ok) return toState(input, form);
  const { vantage } = await getRequestContext();
  const result = await authenticate(input.value, vantage);
  if (!result.ok) return toState({ message: result.message }, form);
  // The old token was another session's; what this user wrote elsewhere is in the mirror.
  await dropToken();
  await startSession(result.account);
  redirect(safeReturnPath(text(form, "next"), HOME));
}

export async function signOut(): Promise<void> {
  await endSession();
  await dropToken();
  redirect("/");
}

/** Moves the visitor to another place of the local planet and shows the same page from there. */
export async function setView(form: FormData): Promise<void> {
  await chooseView(text(form, "place"));
  redirect(await currentPath(), RedirectType.replace);
}

async function currentPath(): Promise<string> {
  const sent = await headers();
  const referer = sent.get("referer") ?? "";
  if (!URL.canParse(referer)) return "/";
  const url = new URL(referer);
  return url.host === sent.get("host") ? safeReturnPath(url.pathname + url.search, "/") : "/";
}

function pick(form: FormData, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, text(form, name)]));
}

function toState(
  refusal: { message: string; fields?: Record<string, string> },
  form: FormData,
): SessionFormState {
  return {
    message: refusal.message,
    fields: refusal.fields ?? {},
    values: {
      name: text(form, "name"),
      email: text(form, "email"),
      residency: text(form, "residency"),
    },
  };
}
