/** `npm run profile`: where a worker and the web spend their time, into docs/PROFILE.md and two flame graphs. */
import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ChildPlanet } from "./local/child-planet";
import { localDir, projectRoot } from "./local/paths";
import { ownFolderSettings } from "./local/planet-web";
import { HERE } from "./bench/setup";
import { drawFlame } from "./profile/flame-svg";
import { fold } from "./profile/fold";
import { Inspector, INSPECTABLE } from "./profile/inspector";
import { openWrites, webLoads, type Load } from "./profile/loads";
import { describeProfiles } from "./profile/page";
import type { Profiled, Watched } from "./profile/report";
import { namesOf } from "./profile/source-names";

const DOCS = path.join(projectRoot, "docs");
/** Kept for whoever wants to see more: Chromium's developer tools open them. */
const PROFILES = path.join(projectRoot, ".cache/profiles");

/** What is compiled, planned and connected at first use is so by then. */
const WARM_SECONDS = 8;
const WATCHED_SECONDS = 20;

async function main(): Promise<void> {
  const [before = 0] = os.loadavg();
  // A build of its own, whose functions have their names; it is kept.
  const planet = new ChildPlanet(["--production", "--no-latency", "--port", "0"], {
    ...ownFolderSettings(".next-profile", path.join(localDir, "tsconfig.profile.json")),
    MERIDIAN_READABLE_BUILD: "1",
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} ${INSPECTABLE}`.trim(),
  });
  try {
    await planet.start();
    const web = await profile(planet, "web", await webLoads(planet));
    const writes = await openWrites(planet);
    const worker = await profile(planet, `worker-${HERE}`, [writes.load]).finally(writes.close);
    const [after = 0] = os.loadavg();
    await write("images/flame-web.svg", drawFlame("Web: pages and a title saved", web.all));
    await write("images/flame-worker.svg", drawFlame("Worker of a region, 8 writers", worker.all));
    await write(
      "PROFILE.md",
      describeProfiles({
        worker,
        web,
        watchedSeconds: WATCHED_SECONDS,
        loadAverages: [before, after],
      }),
    );
  } finally {
    await planet.stop();
  }
}

async function profile(
  planet: ChildPlanet,
  name: string,
  loads: readonly Load[],
): Promise<Profiled> {
  for (const { run } of loads) await run(WARM_SECONDS);
  const { pid } = (await planet.processes()).find((process) => process.name === name)!;
  const inspector = await Inspector.open(pid, path.join(planet.dir, "logs", `${name}.log`));
  try {
    const watched: Watched[] = [];
    for (const load of loads) watched.push(await watch(inspector, load));
    await keep(name, watched);
    const nameOf = namesOf(await inspector.compiled());
    const each = watched.map(({ profile: one }) => fold([one], nameOf));
    return {
      watched,
      each,
      all: fold(
        watched.map(({ profile: one }) => one),
        nameOf,
      ),
    };
  } finally {
    inspector.close();
  }
}

async function watch(inspector: Inspector, { name, unit, run }: Load): Promise<Watched> {
  let times = 0;
  const startedMs = performance.now();
  const { profile: found, seconds } = await inspector.profile(async () => {
    times = await run(WATCHED_SECONDS);
  });
  const elapsed = (performance.now() - startedMs) / 1_000;
  return { load: name, unit, times, profile: found, seconds, elapsed };
}

async function keep(name: string, watched: readonly Watched[]): Promise<void> {
  await mkdir(PROFILES, { recursive: true });
  for (const { load, profile: found } of watched) {
    const file = `${name}-${load.replaceAll(" ", "-")}.cpuprofile`;
    await writeFile(path.join(PROFILES, file), JSON.stringify(found));
  }
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(path.join(DOCS, file), text);
  console.log(`${path.join("docs", file)}: ${Math.ceil(Buffer.byteLength(text) / 1_024)} KB`);
}

await main();
