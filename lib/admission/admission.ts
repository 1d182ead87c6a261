/** Part of the time in which the event loop has work: at and above the first it has more than it can do. */
const SATURATED = 0.95;
const RELAXED = 0.85;

/** With fewer open requests nobody is refused: what delays them is a slow one, or the machine. */
export const CROWD = 16;
/** As many are taken in always: some wait for a database while others are worked on. */
const LEAST = 2;

/** Of the limit, after each look at which the loop was saturated. */
const DECREASE = 0.8;
/** Beyond what is open, after each look at which it was not. */
const INCREASE = 2;

/** Looks without a refusal after which there is no limit any more. */
const CALM_LOOKS = 100;

/**
 * Decides how many requests a process takes in. While its event loop is saturated it takes in fewer at a time, so that
 * those get done; while it is not, it takes in more than are open. Requests that wait, for a database or a leader,
 * saturate nothing and keep nobody out, however many they are.
 */
export class Admission {
  /** Taken in and not answered yet. */
  open = 0;
  /** Requests refused since the start. */
  refused = 0;
  private most: number | null = null;
  private calmLooks = 0;

  /** How many may be open; null while all are taken in. */
  get limit(): number | null {
    return this.most;
  }

  /** Whether to take in one more; then `answered` has to be called for it. */
  admit(): boolean {
    if (this.most !== null && this.open >= this.most) {
      this.calmLooks = 0;
      this.refused += 1;
      return false;
    }
    this.open += 1;
    return true;
  }

  /** One that was taken in has been answered, or its client has left. */
  answered(): void {
    this.open -= 1;
  }

  /**
   * To be called twenty times a second while requests are open, or there is a limit; and before the first request that
   * makes a crowd, since what is to be noticed keeps timers waiting too.
   *
   * @param utilization of the event loop since the last look, from 0 to 1
   */
  look(utilization: number): void {
    if (utilization >= SATURATED) {
      if (this.most === null && this.open < CROWD) return;
      // What was calm before says nothing of now.
      this.calmLooks = 0;
      this.most = Math.max(
        LEAST,
        Math.floor(Math.min(this.most ?? Infinity, this.open) * DECREASE),
      );
      return;
    }
    if (this.most === null) return;
    this.calmLooks += 1;
    if (this.calmLooks > CALM_LOOKS) this.most = null;
    else if (utilization < RELAXED) this.most = Math.max(this.most, this.open) + INCREASE;
  }
}
