export default function Loading() {
  return (
    <div role="status" aria-busy>
      <span className="sr-only">Loading</span>
      <div aria-hidden className="animate-pulse space-y-3">
        <div className="h-8 w-48 rounded-md bg-sunken" />
        <div className="h-7 w-72 max-w-full rounded-md bg-sunken" />
        <div className="mt-6 h-64 rounded-lg bg-sunken" />
      </div>
    </div>
  );
}
