"use client";

import { useActionState, type ReactNode } from "react";
import { signIn, signUp } from "@/app/actions/session-actions";
import { PlaceField, type Place } from "@/components/residency/place-field";
import { TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import type { SessionFormState } from "./session-form-state";

export function SignInForm({ next }: { next?: string }) {
  const [state, action] = useActionState<SessionFormState, FormData>(signIn, null);
  return (
    <SessionForm action={action} state={state} next={next}>
      <TextField
        label="E-mail address"
        name="email"
        type="email"
        autoComplete="username"
        defaultValue={state?.values.email}
        error={state?.fields.email}
      />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        error={state?.fields.password}
      />
      <SubmitButton className="w-full" pendingLabel="Signing in">
        Sign in
      </SubmitButton>
    </SessionForm>
  );
}

/** @param places where an account can be kept; without any it is in every region */
export function SignUpForm({ next, places }: { next?: string; places: readonly Place[] }) {
  const [state, action] = useActionState<SessionFormState, FormData>(signUp, null);
  return (
    <SessionForm action={action} state={state} next={next}>
      <TextField
        label="Name"
        name="name"
        autoComplete="name"
        defaultValue={state?.values.name}
        error={state?.fields.name}
      />
      <TextField
        label="E-mail address"
        name="email"
        type="email"
        autoComplete="username"
        defaultValue={state?.values.email}
        error={state?.fields.email}
      />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        hint="At least 10 characters."
        error={state?.fields.password}
      />
      {places.length > 0 ? (
        <PlaceField
          places={places}
          defaultValue={state?.values.residency ?? ""}
          error={state?.fields.residency}
          hint="Where your name and address are not kept, others see a pseudonym. You can sign in everywhere."
        />
      ) : null}
      <SubmitButton className="w-full" pendingLabel="Creating the account">
        Create account
      </SubmitButton>
    </SessionForm>
  );
}

function SessionForm({
  action,
  state,
  next,
  children,
}: {
  action: (form: FormData) => void;
  state: SessionFormState;
  next?: string;
  children: ReactNode;
}) {
  const atFields = state !== null && Object.keys(state.fields).length > 0;
  return (
    <form action={action} className="space-y-4" noValidate>
      {state && !atFields ? (
        <Notice tone="bad" live>
          {state.message}
        </Notice>
      ) : null}
      {next ? <input type="hidden" name="next" value={next} /> : null}
      {children}
    </form>
  );
}
