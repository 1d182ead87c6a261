"use client";

import { usePathname } from "next/navigation";
import { SignInForm } from "./session-forms";

/** Comes back to the page under whose address it is shown. */
export function SignInHere() {
  return <SignInForm next={usePathname()} />;
}
