/** A clock that runs at its own speed, and that may be set. In ms. */
export class SimulatedClock {
  private offsetMs: number;

  /**
   * @param trueMs true time
   * @param speed 1 is right; at most a hundredth off
   */
  constructor(
    private readonly trueMs: () => number,
    private readonly speed: number,
    startMs: number,
  ) {
    this.offsetMs = startMs;
  }

  nowMs = (): number => this.trueMs() * this.speed + this.offsetMs;

  /** By how much it is set forward; negative: back. */
  step(byMs: number): void {
    this.offsetMs += byMs;
  }

  /** How long `durationMs` on this clock truly is. */
  trueMsOf(durationMs: number): number {
    return durationMs / this.speed;
  }
}
