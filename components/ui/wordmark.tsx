/** Three meridians and an equator. */
export function Wordmark() {
  return (
    <span className="inline-flex items-center gap-2 font-semibold tracking-[-0.02em]">
      <svg viewBox="0 0 20 20" aria-hidden className="size-5 text-accent" fill="none">
        <g stroke="currentColor" strokeWidth="1.5">
          <circle cx="10" cy="10" r="8.25" />
          <ellipse cx="10" cy="10" rx="3.6" ry="8.25" />
          <path d="M1.75 10h16.5" />
        </g>
      </svg>
      Meridian
    </span>
  );
}
