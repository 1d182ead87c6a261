import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { localDir, projectRoot } from "@/scripts/local/paths";

it("serves no build that is older than what it was made of, or that was interrupted", async () => {
  const folder = path.join(localDir, `build-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true }));
  vi.stubEnv("MERIDIAN_DIST_DIR", path.relative(projectRoot, folder));
  vi.resetModules();
  const { buildIsCurrent } = await import("@/scripts/local/planet-web");
  const put = (name: string) => writeFileSync(path.join(folder, name), "{}");
  const date = (at: Date) => utimesSync(path.join(folder, "BUILD_ID"), at, at);

  expect(buildIsCurrent()).toBe(false);
  put("BUILD_ID");
  date(new Date(Date.now() + 60_000));
  expect(buildIsCurrent()).toBe(false);
  put("export-marker.json");
  expect(buildIsCurrent()).toBe(true);
  date(new Date(0));
  expect(buildIsCurrent()).toBe(false);
});
