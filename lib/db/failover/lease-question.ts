import { within } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** A region that takes longer to say so does not count as leading, in ms. */
const ANSWER_MS = 2_500;

interface Asked {
  answer: Promise<boolean>;
  /** Of a question that has not been asked yet: for those who came while this one was under way. */
  next: Promise<boolean> | null;
}

const asked = new WeakMap<PrismaClient, Asked>();

/**
 * Whether a region has its lease, as it says after this call. One question at a time to each region, for everybody in
 * the process: after a change of the leader all writes that waited come late at once, and each has to know. Asked one
 * by one over a far link they would take the connections that the writes need. Never rejects.
 */
export function holdsLease(db: PrismaClient): Promise<boolean> {
  const underWay = asked.get(db);
  if (underWay) return (underWay.next ??= underWay.answer.then(() => ask(db)));
  return ask(db);
}

function ask(db: PrismaClient): Promise<boolean> {
  const answer = within(
    ANSWER_MS,
    db.$queryRaw<{ leads: boolean }[]>`SELECT mr.leading() IS NOT NULL AS leads`,
  )
    .then((rows) => rows[0]?.leads ?? false)
    .catch(() => false)
    .finally(() => {
      if (mine.next === null) asked.delete(db);
    });
  const mine: Asked = { answer, next: null };
  asked.set(db, mine);
  return answer;
}
