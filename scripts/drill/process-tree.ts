import { readdirSync } from "node:fs";
import { parentOf } from "@/scripts/local/process-tools";

/** Backends of a postmaster, for example. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((child) => parentOf(child) === pid);
}
