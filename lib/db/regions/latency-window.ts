import type { Overview } from "./overview";
import type { RegionId } from "./region-id";

/** Round trips older than this say nothing of now, in ms. */
const WINDOW_MS = 300_000;

/** Fewer make no quantile. */
const LEAST = 5;

interface Sample {
  atMs: number;
  latencyMs: number;
}

export interface LatencyQuantiles {
  p50Ms: number;
  p95Ms: number;
  samples: number;
}

/** The round trips of the last five minutes that a vantage's worker measured, as this process came to see them. */
export class LatencyWindow {
  private readonly samples = new Map<string, Sample[]>();
  private readonly newest = new Map<RegionId, Overview>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Takes what the vantage's overview says of all regions; the same one twice counts once. */
  note(vantage: RegionId, overview: Overview): void {
    if (this.newest.get(vantage) === overview) return;
    this.newest.set(vantage, overview);
    for (const [region, { latencyMs, failedForMs }] of overview.peers) {
      if (failedForMs !== null) continue;
      const key = `${vantage} ${region}`;
      const kept = this.recent(key);
      kept.push({ atMs: this.nowMs(), latencyMs });
      this.samples.set(key, kept);
    }
  }

  /** Null where too few were seen. */
  of(vantage: RegionId, region: RegionId): LatencyQuantiles | null {
    const sorted = this.recent(`${vantage} ${region}`)
      .map(({ latencyMs }) => latencyMs)
      .sort((a, b) => a - b);
    if (sorted.length < LEAST) return null;
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    return { p50Ms: at(0.5), p95Ms: at(0.95), samples: sorted.length };
  }

  private recent(key: string): Sample[] {
    const sinceMs = this.nowMs() - WINDOW_MS;
    return (this.samples.get(key) ?? []).filter(({ atMs }) => atMs >= sinceMs);
  }
}
