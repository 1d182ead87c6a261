/** Runs something once the answer has been sent, where the platform would stop the process then. */
export type Later = (work: () => Promise<void>) => void;

const holder = globalThis as { meridianLater?: Later };

/** Called once when a server starts. On globalThis, because bundles have copies of this module. */
export function setLater(later: Later): void {
  holder.meridianLater = later;
}

/** By default at once, beside what the process does. What is run must not reject. */
export function runLater(work: () => Promise<void>): void {
  try {
    (holder.meridianLater ?? runNow)(work);
  } catch {
    // Outside of a request there is no answer to wait for.
    runNow(work);
  }
}

function runNow(work: () => Promise<void>): void {
  void work();
}
