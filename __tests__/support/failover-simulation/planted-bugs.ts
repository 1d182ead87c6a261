/** Mistakes that the simulated databases and workers can be made to make. */
export const PLANTED_BUGS = [
  /** A promise tells what the acceptor held before it promised. */
  "measure-before-promise",
  /** What the majority holds is not merged before the new leader serves. */
  "no-pull",
  /** The fence looks at the time at which the transaction began. */
  "fence-by-transaction-start",
  /** The fence is not asked again at the commit. */
  "no-fence-at-commit",
  /** Workers probe, and renew, without a write. */
  "no-write-probe",
  /** Whoever knows of an epoch may begin its lease. */
  "anybody-begins",
  /** A candidate asks for promises without having seen the grants stand still. */
  "no-guard",
  /** An acceptor promises once its own wall clock says that the lease it granted is over. */
  "guard-by-acceptor-clock",
  /** A lease outlives a clock that is set back. */
  "no-high-water-mark",
  /** A lease that was void while the clock was behind is valid again once it has caught up. */
  "void-lease-revives",
  /** Another region says that it holds a write, whomever it has promised to. */
  "held-in-spite-of-promise",
  /** A renewed lease starts when it is held, not before the grants were asked for. */
  "lease-from-when-held",
] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];
