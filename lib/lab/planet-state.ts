/* What the local planet's control says of itself: scripts/local/planet-control.ts answers with it. */

/** See `ProcessState` of scripts/local/supervisor.ts. */
export type PartState = "running" | "stopped" | "down" | "held";

export interface PlanetLinkState {
  from: string;
  to: string;
  /** One way, in ms. */
  delayMs: number;
  /** Without a fault. */
  usualDelayMs: number;
  state:
    | { kind: "open" }
    | { kind: "cut"; direction: "both" | "to-target" | "from-target" }
    | { kind: "refused" };
}

/** Of a database whose clock can be set. */
export interface ClockState {
  region: string;
  /** Of the machine's clock; negative: behind. */
  aheadMs: number;
}

export interface PlanetState {
  /** Of each ordered pair of different regions. */
  links: PlanetLinkState[];
  processes: { name: string; state: PartState }[];
  clocks: ClockState[];
}

/** What travels from one region to another, whoever asked for it. */
export interface Flow {
  from: string;
  to: string;
  open: boolean;
}

/**
 * Whether anything gets from `from` to `to`: requests through the proxy by which `from` reaches `to`, and
 * answers through the one by which `to` reaches `from`. Pure.
 */
export function isOpen(links: readonly PlanetLinkState[], from: string, to: string): boolean {
  return links.every((link) => {
    const { state } = link;
    const out = link.from === from && link.to === to;
    const back = link.from === to && link.to === from;
    if (!out && !back) return true;
    switch (state.kind) {
      case "open":
        return true;
      case "refused":
        return false;
      case "cut":
        return state.direction === (out ? "from-target" : "to-target");
      default:
        return state satisfies never;
    }
  });
}
