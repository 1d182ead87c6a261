import os from "node:os";
import { shareOut, totalOf, type Area, type AreaShare } from "./areas";
import { percent } from "./flame-svg";
import type { FlameNode } from "./fold";
import { WRITERS } from "./loads";
import { selfOf, tableOfAreas, tableOfFunctions, tableOfLoads, type Profiled } from "./report";

/** What was found, and under what circumstances. */
export interface Found {
  worker: Profiled;
  web: Profiled;
  watchedSeconds: number;
  /** Of the minute before it began, and of the last one: with more than cores, something waits for one. */
  loadAverages: readonly [before: number, after: number];
}

/** docs/PROFILE.md: the tables and each number are of this run. */
export function describeProfiles({ worker, web, watchedSeconds, loadAverages }: Found): string {
  const date = new Date().toISOString().slice(0, 10);
  return `# Where the time goes

\`\`\`sh
npm run profile
\`\`\`

writes this file and its pictures: CPU profiles of two processes of a local planet with the production build, without
delays on its links, each load for ${watchedSeconds} seconds and after a warm-up. ${date}, ${os.cpus().length} cores, Node ${process.versions.node}, load average
${loadAverages.map((load) => load.toFixed(1)).join(" before and ")} after it. The databases, the other workers and whoever asks share the cores, so what is done in a second
says little; shares say more. A profile is of the thread that runs JavaScript, without the time in which it waits; the CPU beside
each load is of all threads. The build that is watched has the names of its functions left and is otherwise the one that is
served. The profiles themselves are left in \`.cache/profiles\`, and open in Chromium's developer tools.

In a picture each frame is a function, as wide as the samples in which it or what it has called ran, and stands on the one that
has called it; what is under 0.3 % is left out. Opened by itself, it tells of each frame where it is from. In the tables
_itself_ is what ran in an area; functions that V8 or Node.js have natively count to whoever calls them. _With what it calls_
adds up to more than everything. What runs after an \`await\` has no caller any more and stands for itself.

## A region's worker

[![Flame graph of the worker](images/flame-worker.svg)](images/flame-worker.svg)

${WRITERS} clients change one row after the other, half of them in the worker's region and half in another one, so that it publishes
and applies at once.

${tableOfLoads(worker)}

${saysOfWorker(worker.all)}

${tableOfAreas(worker)}

${tableOfFunctions(worker)}

## The web

[![Flame graph of the web](images/flame-web.svg)](images/flame-web.svg)

What \`npm run bench -- http\` asks for, on four connections, each load as long as the others.

${tableOfLoads(web)}

${saysOfWeb(web)}

${tableOfAreas(web)}

${tableOfFunctions(web)}
`;
}

function saysOfWorker(all: FlameNode): string {
  const of = (isOf: (area: Area) => boolean) => percent(totalOf(all, isOf) / all.total);
  const own = selfOfKinds(all, shareOut(all), ["project"]);
  return `Meridian's own functions run for ${own} of the time; talking to databases, with the sockets below the driver, takes
${of(({ name }) => name === "pg, the driver")}, and to Redis ${of(({ name }) => name === "ioredis")}.`;
}

function saysOfWeb({ watched, all, each }: Profiled): string {
  const shares = shareOut(all);
  const saved = each.at(-1)!;
  const of = (root: FlameNode, ...names: string[]) =>
    percent(totalOf(root, ({ name }) => names.includes(name)) / root.total);
  return `Meridian's own functions run for ${selfOfKinds(all, shares, ["project"])} of the time. React and Next.js themselves take ${selfOfKinds(all, shares, ["react", "next"])}, compression
${percent(selfOf(shares, "Node.js, compression") / all.total)} and garbage ${percent(selfOf(shares, "garbage collection") / all.total)}; databases, by Prisma and the driver with all that these call, ${of(all, "Prisma", "pg, the driver")}.
Opening the session's cookie, which derives two keys from the secret each time, is ${of(all, "iron-session")} of everything and
${of(saved, "iron-session")} of "${watched.at(-1)!.load}".`;
}

function selfOfKinds(
  root: FlameNode,
  shares: readonly AreaShare[],
  kinds: readonly Area["kind"][],
): string {
  const own = shares.filter(({ kind }) => kinds.includes(kind));
  return percent(own.reduce((sum, { self }) => sum + self, 0) / root.total);
}
