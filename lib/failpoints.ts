/** Where a worker may be told to die, each named for what it has just done. What databases have by then has to be enough. */
export const FAILPOINTS = [
  // Between the outbox, the bus and the position up to which it was told.
  "publisher:read",
  "publisher:published",
  // Between the batch, its transaction and the cursor in memory.
  "applier:read",
  "applier:applied",
  // A majority has extended its guards, and the leader not its lease.
  "lease:granted",
  // Between two transactions that drop what every region has.
  "trimmer:trimmed",
  "collector:deleted",
  // Wishes for rows are taken, and the rows not here yet; one dead letter is in, and the next one not.
  "syncer:taken",
  "retrier:retried",
  // Rows are where they may be, and the placement not done; all that may have them do, and they are not deleted here.
  "placement:copied",
  "placement:seen",
  // A failover: nobody leads from the first of them to the last.
  "promotion:promised",
  "promotion:measured",
  "promotion:pulled",
  "promotion:published",
  "promotion:served",
  // A switchover: between the last two nobody leads, and the old leader's last writes are in its database and in memory.
  "handover:promised",
  "handover:published",
  "handover:released",
  "handover:drained",
  // A database that was put back writes as another one, and has nothing of its peers yet; has some ranges; has all rows
  // and its old cursors; has all and takes no writes yet.
  "recovery:incarnated",
  "copy:sent",
  "copy:merged",
  "recovery:copied",
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

export interface FailpointSetting {
  point: Failpoint;
  /** It dies when it passes for the n-th time, from 1. */
  passing: number;
}

const isFailpoint = (name: string): name is Failpoint =>
  (FAILPOINTS as readonly string[]).includes(name);

/** `<name>` or `<name>:<n>`, as `FAILPOINT` has it; null for anything else. */
export function parseFailpoint(text: string): FailpointSetting | null {
  const [, name = "", passing = "1"] = /^([a-z]+:[a-z]+)(?::([1-9][0-9]{0,5}))?$/.exec(text) ?? [];
  return isFailpoint(name) ? { point: name, passing: Number(passing) } : null;
}

export const formatFailpoint = ({ point, passing }: FailpointSetting) => `${point}:${passing}`;

let armed: Failpoint | null = null;
let left = 0;

/** From now on this process dies at the point. Only workers do it: a web process passes some of them too. */
export function armFailpoint(setting: FailpointSetting | null): void {
  armed = setting?.point ?? null;
  left = setting?.passing ?? 0;
}

/** Nothing, unless it is armed: then the process ends here, without any farewell. */
export function failpoint(name: Failpoint): void {
  if (name !== armed) return;
  left -= 1;
  // To oneself it arrives before the call returns.
  if (left === 0) process.kill(process.pid, "SIGKILL");
}
