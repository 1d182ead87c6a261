import { AlertTriangle, CircleCheck, CircleX, Info } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "./class-names";

const TONES = {
  info: { icon: Info, className: "border-line-strong bg-tint text-ink [&>svg]:text-accent" },
  ok: { icon: CircleCheck, className: "border-ok/35 bg-ok-tint text-ink [&>svg]:text-ok" },
  warn: {
    icon: AlertTriangle,
    className: "border-warn/35 bg-warn-tint text-ink [&>svg]:text-warn",
  },
  bad: { icon: CircleX, className: "border-bad/35 bg-bad-tint text-ink [&>svg]:text-bad" },
} as const;

/** A message of the page. `live` announces it when it appears after an action. */
export function Notice({
  tone = "info",
  title,
  live = false,
  className,
  children,
}: {
  tone?: keyof typeof TONES;
  title?: string;
  live?: boolean;
  className?: string;
  children?: ReactNode;
}) {
  const { icon: Icon, className: toneClass } = TONES[tone];
  const role = live ? (tone === "bad" || tone === "warn" ? "alert" : "status") : undefined;
  return (
    <div
      role={role}
      className={cn("flex gap-2.5 rounded-md border px-3.5 py-2.5 text-sm", toneClass, className)}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 space-y-1">
        {title ? <p className="font-medium">{title}</p> : null}
        {children ? <div className="text-pretty">{children}</div> : null}
      </div>
    </div>
  );
}
