"use server";

import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { explain, type DecisionState } from "@/components/dead-letters/form-state";
import { getSessionUser } from "@/lib/auth/session";
import type { RegionId } from "@/lib/db/multi-region-config";
import {
  discardParkedRow,
  editParkedRow,
  retryParkedRow,
  type ParkedRowKey,
} from "@/lib/dead-letters/dead-letters";
import { DISCARD_WORD, lastIdInput, parkedRowInput, parseValues } from "@/lib/dead-letters/input";
import type { DeadLetterOutcome } from "@/lib/dead-letters/types";
import type { RegionAnswer } from "@/lib/region-answer";
import { getRequestContext } from "@/lib/request-context";
import { text } from "./form-text";

/*
 * What an administrator decides about dead letters. An action is an endpoint: who asks, from where
 * and about what is checked in each. The region's database writes the audit.
 */

const LIST = "/admin/dead-letters";

interface Request {
  vantage: RegionId;
  key: ParkedRowKey;
  lastId: string;
  by: string;
}

export async function retryDeadLetters(_: DecisionState, form: FormData): Promise<DecisionState> {
  const request = await authorise(form);
  if ("message" in request) return request;
  return settle(await retryParkedRow(request.vantage, request.key, request.by));
}

export async function editDeadLetters(_: DecisionState, form: FormData): Promise<DecisionState> {
  const request = await authorise(form);
  if ("message" in request) return request;
  const typed = text(form, "values");
  const parsed = parseValues(typed);
  if (!parsed.ok) return { message: parsed.message, field: "values", typed };
  const { vantage, key, lastId, by } = request;
  const answer = await editParkedRow(vantage, key, { lastId, by, values: parsed.values });
  return withTyped(await settle(answer), typed);
}

export async function discardDeadLetters(_: DecisionState, form: FormData): Promise<DecisionState> {
  const request = await authorise(form);
  if ("message" in request) return request;
  if (text(form, "confirmation").trim().toLowerCase() !== DISCARD_WORD) {
    return { message: `Type “${DISCARD_WORD}” to confirm.`, field: "confirmation" };
  }
  const { vantage, key, lastId, by } = request;
  return settle(await discardParkedRow(vantage, key, { lastId, by }));
}

async function authorise(form: FormData): Promise<Request | { message: string }> {
  const user = await getSessionUser();
  if (!user) return { message: "Your session has ended. Sign in again." };
  if (user.role !== "admin") return { message: "This needs an account with the admin role." };
  if (!(await isSameOrigin())) return { message: "This request came from another site." };
  const key = parkedRowInput.safeParse({
    region: text(form, "region"),
    entity: text(form, "entity"),
    entityId: text(form, "entityId"),
  });
  const lastId = lastIdInput.safeParse(text(form, "lastId"));
  if (!key.success || !lastId.success) return { message: "There is no such row." };
  const { vantage } = await getRequestContext();
  return { vantage, key: key.data, lastId: lastId.data, by: user.userId };
}

/** Browsers name the origin of every form that they send by POST. */
async function isSameOrigin(): Promise<boolean> {
  const sent = await headers();
  const origin = sent.get("origin");
  const host = sent.get("x-forwarded-host") ?? sent.get("host");
  return origin !== null && URL.canParse(origin) && new URL(origin).host === host;
}

async function settle(answer: RegionAnswer<DeadLetterOutcome>): Promise<DecisionState> {
  if (answer.kind === "unreachable") {
    return { message: "The region did not answer in time. It may have done it: look again." };
  }
  const outcome = answer.value;
  const message = explain(outcome);
  if (message !== null && outcome.kind !== "nothing") return { message };
  const stays = outcome.kind === "discarded" && !outcome.kept;
  redirect(`${LIST}?done=${stays ? "discarded-here" : outcome.kind}`);
}

function withTyped(state: DecisionState, typed: string): DecisionState {
  return state && { ...state, typed };
}
