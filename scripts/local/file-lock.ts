import { readFile, rm, writeFile } from "node:fs/promises";
import { MeridianError } from "@/lib/errors";
import { isAlive, sleep, startTimeOf } from "@/scripts/local/process-tools";

const POLL_MS = 100;

export class LockTimeoutError extends MeridianError {
  constructor(file: string, holder: string) {
    super("lock-timeout", `${file} is held by another process (${holder.trim()}).`);
  }
}

function holderIsGone(content: string): boolean {
  const [pid, startTime] = content.trim().split("\t");
  return !isAlive(Number(pid)) || startTimeOf(Number(pid)) !== startTime;
}

/**
 * Runs `work` while this process alone holds `file`. A lock whose holder has died is taken over,
 * so nothing has to be cleaned up after a crash.
 */
export async function withFileLock<T>(
  file: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  const mine = `${process.pid}\t${startTimeOf(process.pid)}\n`;
  for (;;) {
    const error = await writeFile(file, mine, { flag: "wx" }).catch(
      (reason: NodeJS.ErrnoException) => reason,
    );
    if (!error) break;
    if (error.code !== "EEXIST") throw error;
    const content = await readFile(file, "utf8").catch(() => "");
    // An empty file is one that its holder is just writing.
    if (content !== "" && holderIsGone(content)) await rm(file, { force: true });
    else if (performance.now() > deadline) throw new LockTimeoutError(file, content);
    else await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}
