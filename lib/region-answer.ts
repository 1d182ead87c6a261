import { isUnreachable, within } from "@/lib/db/regions/faults";

/** What one region said, or that it gave no answer in time. */
export type RegionAnswer<T> = { kind: "answer"; value: T } | { kind: "unreachable" };

const TIMEOUT_MS = 3_000;

/** Throws what is not about reaching the region. */
export async function askRegion<T>(question: Promise<T>): Promise<RegionAnswer<T>> {
  try {
    return { kind: "answer", value: await within(TIMEOUT_MS, question) };
  } catch (error) {
    if (isUnreachable(error)) return { kind: "unreachable" };
    throw error;
  }
}
