import { Notice } from "@/components/ui/notice";
import type { FormState } from "./form-state";

const TITLES: Partial<Record<string, string>> = {
  conflict: "Someone else saved first.",
  behind: "This region is behind.",
  unavailable: "Not saved.",
  "not-found": "Not found.",
};

/** Why a form was not accepted. Complaints about one field stand at that field instead. */
export function Refusal({ state, known = [] }: { state: FormState; known?: readonly string[] }) {
  if (state.status !== "refused") return null;
  const fields = Object.keys(state.fields);
  if (fields.length > 0 && fields.every((field) => known.includes(field))) return null;
  return (
    <Notice
      tone={state.code === "conflict" || state.code === "behind" ? "warn" : "bad"}
      title={TITLES[state.code]}
      live
    >
      {state.message}
      {state.code === "unauthenticated" ? (
        <>
          {" "}
          <a href="/sign-in" className="underline underline-offset-2">
            Sign in
          </a>
        </>
      ) : null}
    </Notice>
  );
}
