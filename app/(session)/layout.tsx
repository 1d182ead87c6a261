import type { ReactNode } from "react";

export default function SessionLayout({ children }: { children: ReactNode }) {
  return <div className="mx-auto w-full max-w-sm pt-4 sm:pt-10">{children}</div>;
}
