import type { ProcessAction } from "@/scripts/local/supervisor";
import { SERVERLESS } from "./serverless";
import { theWorld } from "./world";

interface Link {
  from: string;
  to: string;
  redis: { delayMs: number } | null;
}

/** Runs `during`, which may let a region hear of the others' writes later than it would. */
export async function withLateNews(
  region: string,
  during: (setDelayMs: (delayMs: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { planet } = theWorld();
  const { links } = await planet.control<{ links: Link[] }>("GET", "/links");
  const into = links.filter(({ from, to }) => from === region && to !== region);
  const set = async (delayOf: (link: Link) => number) => {
    for (const link of into) {
      const body = { target: "redis", delayMs: delayOf(link) };
      await planet.control("POST", `/links/${link.from}/${link.to}`, body);
    }
  };
  try {
    await during((delayMs) => set(() => delayMs));
  } finally {
    await set((link) => link.redis?.delayMs ?? 0);
  }
}

/** Nothing gets from either region to the other while `during` runs. */
export async function withCut<T>(
  [a, b]: readonly [string, string],
  during: () => Promise<T>,
): Promise<T> {
  const { planet } = theWorld();
  const both = async (fault: { cut: "both" } | { heal: true }) => {
    await Promise.all([
      planet.control("POST", `/links/${a}/${b}`, fault),
      planet.control("POST", `/links/${b}/${a}`, fault),
    ]);
  };
  try {
    await both({ cut: "both" });
    return await during();
  } finally {
    await both({ heal: true });
  }
}

/** `name` as in GET /processes: web, redis, worker-<region>, postgres-<region>. */
export async function act(name: string, action: ProcessAction): Promise<void> {
  const { planet } = theWorld();
  const { applied } = await planet.control<{ applied: boolean }>("POST", `/processes/${name}`, {
    action,
  });
  if (!applied) throw new Error(`${name} was not running.`);
}

/** Keeps a region from applying anything while `during` runs. Without workers only requests to it do. */
export async function withoutApplying<T>(region: string, during: () => Promise<T>): Promise<T> {
  return SERVERLESS ? during() : withPaused(`worker-${region}`, during);
}

/** Pauses a process while `during` runs. */
export async function withPaused<T>(name: string, during: () => Promise<T>): Promise<T> {
  await act(name, "stop");
  try {
    return await during();
  } finally {
    await act(name, "continue");
  }
}
