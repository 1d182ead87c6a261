"use client";

import { useState, type FormEvent, type ReactNode } from "react";
import { Button, type ButtonVariant } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import type { FailoverRefusal } from "@/lib/failover-shape";
import { REFUSAL_TITLES } from "./failover-text";

/** An order goes through several regions, one of which may hang. */
const TIMEOUT_MS = 15_000;

interface Complaint {
  title?: string;
  message: string;
  fields?: Record<string, string>;
}

type Answer = { code?: string; reason?: string; message?: string; fields?: Record<string, string> };

async function send(url: string, body: object): Promise<Complaint | null> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return null;
    const answer = (await response.json().catch(() => ({}))) as Answer;
    return {
      title: REFUSAL_TITLES[answer.reason as FailoverRefusal],
      message: answer.message ?? `The server answered ${response.status}.`,
      fields: answer.fields,
    };
  } catch {
    return {
      message: "No answer came. It may have been done all the same: look at the history first.",
    };
  }
}

/**
 * A button that opens a form with a reason and a typed confirmation, and sends it as JSON.
 *
 * @param word what has to be typed
 * @param body what is sent besides `reason` and `confirm`
 */
export function TypedOrder({
  url,
  body,
  word,
  label,
  variant = "plain",
  disabled = false,
  onDone,
  children,
}: {
  url: string;
  body: object;
  word: string;
  label: string;
  variant?: ButtonVariant;
  disabled?: boolean;
  onDone: () => void;
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const [sending, setSending] = useState(false);
  const [complaint, setComplaint] = useState<Complaint | null>(null);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (sending) return;
    const form = new FormData(event.currentTarget);
    setSending(true);
    setComplaint(null);
    const refused = await send(url, {
      ...body,
      reason: form.get("reason"),
      confirm: String(form.get("confirm")).trim(),
    });
    setSending(false);
    setComplaint(refused);
    if (!refused) setOpen(false);
    onDone();
  }

  if (!open) {
    return (
      <Button
        variant={variant}
        disabled={disabled}
        onClick={() => {
          setComplaint(null);
          setOpen(true);
        }}
      >
        {label}
      </Button>
    );
  }
  return (
    <form
      onSubmit={(event) => void submit(event)}
      aria-label={label}
      noValidate
      className="w-full space-y-3 rounded-md border border-line bg-sunken p-3.5"
    >
      <p className="text-sm text-pretty">{children}</p>
      {complaint && !complaint.fields ? (
        <Notice tone="bad" live title={complaint.title}>
          {complaint.message}
        </Notice>
      ) : null}
      <TextField label="Reason" name="reason" maxLength={500} error={complaint?.fields?.reason} />
      <TextField
        label={`Type “${word}” to confirm`}
        name="confirm"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        error={complaint?.fields?.confirm}
      />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="danger" aria-disabled={sending || undefined}>
          {sending ? "Asking" : label}
        </Button>
        <Button variant="quiet" onClick={() => setOpen(false)}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
