import { ConfigurationError } from "@/lib/errors";

/** Times of the control plane, in ms. docs/FAILOVER.md says what each costs and protects. */
export interface FailoverSettings {
  /** How long a lease lasts, by the leader's clock, from before it was granted. */
  readonly leaseMs: number;
  /** What a candidate waits beyond a lease: drift of clocks, and a commit that was under way. */
  readonly marginMs: number;
  /** Between two renewals by the leader's own worker. */
  readonly renewMs: number;
  /** Between two probes of one region. */
  readonly probeMs: number;
  /** A probe that takes longer has failed. */
  readonly probeTimeoutMs: number;
  /** A leader that cannot be probed for so long is suspected. */
  readonly suspectMs: number;
  /** Head start of each better candidate. */
  readonly staggerMs: number;
  /** Least time between an epoch and the next automatic one. */
  readonly coolDownMs: number;
  /** Manual failover refuses a region that lacks writes older than this. */
  readonly maxBehindMs: number;
  /** False: leases are renewed, and nothing is promoted but on request. */
  readonly automatic: boolean;
}

export const DEFAULT_FAILOVER_SETTINGS: FailoverSettings = {
  leaseMs: 1_000,
  marginMs: 300,
  renewMs: 250,
  probeMs: 200,
  probeTimeoutMs: 800,
  suspectMs: 600,
  staggerMs: 600,
  coolDownMs: 2_000,
  maxBehindMs: 10_000,
  automatic: true,
};

/** How long a count of grants has to stand still before its acceptor is asked for a promise. */
export function guardMs({ leaseMs, marginMs }: FailoverSettings): number {
  // Clocks may differ in speed by a hundredth.
  return Math.ceil(leaseMs * 1.01) + marginMs;
}

/**
 * Refuses combinations that lose the lease without a fault, or that let two regions lead.
 *
 * @throws ConfigurationError
 */
export function checkFailoverSettings(settings: FailoverSettings): FailoverSettings {
  const { leaseMs, marginMs, renewMs, probeMs, probeTimeoutMs, suspectMs } = settings;
  const rules: [boolean, string][] = [
    [leaseMs >= 500 && leaseMs <= 60_000, "FAILOVER_LEASE_MS from 500 to 60000"],
    [
      marginMs >= 100 && marginMs >= leaseMs / 20,
      "FAILOVER_MARGIN_MS of at least 100 and a twentieth of the lease",
    ],
    [renewMs >= 50 && renewMs * 3 <= leaseMs, "FAILOVER_RENEW_MS from 50 to a third of the lease"],
    [probeMs >= 50 && probeMs <= leaseMs / 2, "FAILOVER_PROBE_MS from 50 to half of the lease"],
    [
      probeTimeoutMs >= 100 && probeTimeoutMs < leaseMs,
      "FAILOVER_PROBE_TIMEOUT_MS from 100 to below the lease",
    ],
    [suspectMs >= probeMs, "FAILOVER_SUSPECT_MS of at least FAILOVER_PROBE_MS"],
    [settings.staggerMs >= 50, "FAILOVER_STAGGER_MS of at least 50"],
    [settings.coolDownMs >= 0, "FAILOVER_COOL_DOWN_MS of at least 0"],
  ];
  const broken = rules.filter(([holds]) => !holds).map(([, expected]) => expected);
  if (broken.length > 0) {
    throw new ConfigurationError(
      `The failover settings are unsafe: expected ${broken.join("; ")}.`,
      {
        variables: broken.map((text) => text.split(" ", 1)[0] ?? ""),
      },
    );
  }
  return settings;
}
