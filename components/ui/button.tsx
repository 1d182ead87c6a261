import type { ComponentProps } from "react";
import { cn } from "./class-names";

const BASE =
  "inline-flex h-9 items-center justify-center gap-1.5 rounded-md px-3.5 text-sm font-medium " +
  "whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-55";

const VARIANTS = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover",
  plain: "border border-line-strong bg-surface text-ink hover:border-faint hover:bg-sunken",
  quiet: "px-2.5 text-muted hover:bg-tint hover:text-ink",
  danger: "border border-line-strong bg-surface text-bad hover:border-bad hover:bg-bad-tint",
} as const;

export type ButtonVariant = keyof typeof VARIANTS;

/** For links that look like buttons. */
export function buttonClass(variant: ButtonVariant = "primary", className?: string): string {
  return cn(BASE, VARIANTS[variant], className);
}

export function Button({
  variant = "primary",
  className,
  type = "button",
  ...props
}: ComponentProps<"button"> & { variant?: ButtonVariant }) {
  return <button type={type} className={buttonClass(variant, className)} {...props} />;
}
