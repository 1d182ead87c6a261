import { useId, type ComponentProps, type ReactNode } from "react";
import { cn } from "./class-names";

export const inputClass =
  "w-full rounded-md border border-line-strong bg-surface px-3 py-2 text-ink shadow-none " +
  "placeholder:text-faint hover:border-faint focus-visible:outline-offset-0 " +
  "aria-invalid:border-bad";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  className?: string;
}

/** Label, control, hint and complaint, tied together for assistive technology. */
function useField({ hint, error }: FieldProps) {
  const id = useId();
  const hintId = hint && !error ? `${id}-hint` : undefined;
  const errorId = error ? `${id}-error` : undefined;
  return {
    id,
    hintId,
    errorId,
    control: {
      id,
      "aria-invalid": error ? (true as const) : undefined,
      "aria-describedby": [errorId, hintId].filter(Boolean).join(" ") || undefined,
    },
  };
}

function Frame({
  field,
  label,
  hint,
  error,
  className,
  children,
}: FieldProps & { field: ReturnType<typeof useField>; children: ReactNode }) {
  return (
    <div className={cn("flex flex-col gap-1.5", className)}>
      <label htmlFor={field.id} className="text-sm font-medium">
        {label}
      </label>
      {children}
      {error ? (
        <p id={field.errorId} className="text-sm text-bad">
          {error}
        </p>
      ) : null}
      {hint && !error ? (
        <p id={field.hintId} className="text-xs text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

export function TextField({
  label,
  hint,
  error,
  className,
  ...props
}: FieldProps & Omit<ComponentProps<"input">, "className">) {
  const field = useField({ label, hint, error });
  return (
    <Frame field={field} label={label} hint={hint} error={error} className={className}>
      <input {...field.control} className={cn(inputClass, "h-10 py-0")} {...props} />
    </Frame>
  );
}

export function TextArea({
  label,
  hint,
  error,
  className,
  ...props
}: FieldProps & Omit<ComponentProps<"textarea">, "className">) {
  const field = useField({ label, hint, error });
  return (
    <Frame field={field} label={label} hint={hint} error={error} className={className}>
      <textarea
        {...field.control}
        className={cn(inputClass, "min-h-64 resize-y leading-relaxed")}
        {...props}
      />
    </Frame>
  );
}

export function SelectField({
  label,
  hint,
  error,
  className,
  ...props
}: FieldProps & Omit<ComponentProps<"select">, "className">) {
  const field = useField({ label, hint, error });
  return (
    <Frame field={field} label={label} hint={hint} error={error} className={className}>
      <select {...field.control} className={cn(inputClass, "h-10 py-0")} {...props} />
    </Frame>
  );
}
