import { compareClocks } from "@/lib/db/conflicts/vector-clock";
import type { StoredVersion } from "./statements";

type Ordered = Pick<StoredVersion, "id" | "contentClock" | "createdAt">;

/**
 * Newest first: a version stands above all that its writer had seen, whatever their regions' clocks said, and of
 * those that knew nothing of each other the later one by these clocks. The same in every region, also after a row
 * was sent once more: it follows from what versions say of themselves, not from their stamps.
 */
export function inOrder<T extends Ordered>(versions: readonly T[]): T[] {
  const left = [...versions].sort(
    (a, b) =>
      b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0),
  );
  const ordered: T[] = [];
  while (left.length > 0) {
    // One that nothing else was written on top of; there always is one.
    const index = left.findIndex(({ contentClock }) =>
      left.every((other) => compareClocks(contentClock, other.contentClock) !== "before"),
    );
    ordered.push(...left.splice(Math.max(0, index), 1));
  }
  return ordered;
}
