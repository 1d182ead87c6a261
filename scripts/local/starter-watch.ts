import { commandLineOf, isAlive, parentOf, startTimeOf } from "@/scripts/local/process-tools";

const EVERY_MS = 300;
const MAX_DEPTH = 3;

/** npm and the shell it may put between itself and us. */
function isStarter(commandLine: string): boolean {
  return /^(\S*\/)?(npm|npx|pnpm|yarn)\b|\bnpm-cli\.js\b|^(\S*\/)?(sh|bash|dash) -c /.test(
    commandLine,
  );
}

/**
 * Calls `onGone` when npm, which started us, is gone. Who kills `npm run dev` the hard way means
 * the planet, but npm could not pass that on.
 */
export function watchStarters(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const starters: { pid: number; startTime: string | undefined }[] = [];
  for (let pid = process.ppid; starters.length < MAX_DEPTH;) {
    const commandLine = commandLineOf(pid);
    if (commandLine === undefined || !isStarter(commandLine)) break;
    starters.push({ pid, startTime: startTimeOf(pid) });
    const parent = parentOf(pid);
    if (parent === undefined || parent <= 1) break;
    pid = parent;
  }
  if (starters.length === 0) return;
  const timer = setInterval(() => {
    const allThere = starters.every(
      ({ pid, startTime }) => isAlive(pid) && startTimeOf(pid) === startTime,
    );
    if (allThere) return;
    clearInterval(timer);
    onGone();
  }, EVERY_MS);
  timer.unref();
}
