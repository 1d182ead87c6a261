/** As tall as the charts that take its place. */
export function ChartSkeleton() {
  return (
    <div aria-busy className="space-y-6">
      <p role="status" className="sr-only">
        Reading the history
      </p>
      {[0, 1, 2].map((group) => (
        <div key={group} aria-hidden className="pt-12">
          <div className="grid grid-cols-1 gap-3 md:grid-cols-2 lg:grid-cols-3">
            {[0, 1, 2].map((chart) => (
              <div
                key={chart}
                className="h-62 animate-pulse rounded-lg border border-line bg-sunken motion-reduce:animate-none"
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}
