import { onlyAdministrator, onlyFromHere } from "@/app/api/administrator";
import { answer } from "@/app/api/answers";
import { getSessionUser, type SessionUser } from "@/lib/auth/session";
import { findLab, type Lab } from "@/lib/lab/lab";

export interface LabOperator {
  user: SessionUser;
  lab: Lab;
}

/** Said to everybody where there is no lab, before anything else is looked at. */
const NOWHERE = { code: "not-found", message: "There is nothing here." };

/** The administrator who asks on a local planet, or the answer to anybody else and anywhere else. */
export async function findLabOperator(): Promise<LabOperator | Response> {
  const lab = findLab();
  if (!lab) return answer(NOWHERE, 404);
  const user = onlyAdministrator(await getSessionUser());
  return user instanceof Response ? user : { user, lab };
}

/** The same for a request that changes something. */
export async function findChangingLabOperator(request: Request): Promise<LabOperator | Response> {
  return onlyFromHere(request, await findLabOperator());
}
