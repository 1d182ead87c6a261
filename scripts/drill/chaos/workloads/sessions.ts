import { withReadYourWrites } from "@/lib/db/read-your-writes";
import type { Positions } from "@/lib/db/sessions/positions";
import { within } from "@/lib/db/regions/faults";
import type { Actor, DocumentClock } from "@/lib/documents/types";
import { readDocument } from "@/lib/documents/read";
import { createDocument, updateDocument } from "@/lib/documents/write";
import type { Stamp } from "@/scripts/drill/chaos/calls";
import {
  CLIENT_WAIT_MS,
  client,
  detailOf,
  newName,
  pick,
  stampOf,
  stampOfReceipt,
  type World,
} from "@/scripts/drill/chaos/world";

export const SESSION = "session";

const SESSIONS = 5;
const PAUSE_MS = 400;
const NO_STAMP: Stamp = { origin: "", position: "0" };

/** As its page shows it, which is read anew each time. */
async function readPage(actor: Actor, documentId: string) {
  const { value, receipt } = await readDocument(actor, documentId);
  return { row: value?.document ?? null, receipt };
}

/** From the region's cache, where that has it. */
async function readKept({ userId, vantage, token }: Actor, documentId: string) {
  const { data, receipt } = await withReadYourWrites(
    userId,
    (db) =>
      db.document.findUnique({
        where: { id: documentId },
        select: { title: true, clock: true, origin: true, position: true },
      }),
    { vantage, token, cache: { entity: "Document", id: documentId, variant: "title" } },
  );
  const row = data && {
    ...data,
    clock: data.clock as DocumentClock,
    position: data.position.toString(),
  };
  return { row, receipt };
}

/** The title of a session's document. */
export const sessionTitle = (session: string, count: number) => `${session}:${count}`;

/** Of such a title; -1 for another one. */
export function countIn(title: string): number {
  const digits = /^session-[0-9a-f-]+:([0-9]+)$/.exec(title)?.[1];
  return digits === undefined ? -1 : Number(digits);
}

/** People who write and read a document of their own, each time from another region, as somebody on the move does. */
export function liveSessions(world: World): Promise<void> {
  const one = () => {
    let session = new Session(world);
    return client(world, PAUSE_MS, async () => {
      // What a person was not answered may still happen, after what they do next: somebody else goes on.
      if (session.isInDoubt) session = new Session(world);
      await session.step();
    });
  };
  return Promise.all(Array.from({ length: SESSIONS }, one)).then(() => undefined);
}

class Session {
  isInDoubt = false;
  private readonly name = newName(SESSION);
  private documentId: string | null = null;
  private count = -1;
  private base: DocumentClock = {};
  /** Of its cookie. */
  private open: Positions = new Map();

  constructor(private readonly world: World) {}

  step(): Promise<void> {
    const { random } = this.world;
    if (this.documentId === null || random() < 0.35) return this.write();
    return this.read(this.documentId);
  }

  private actor(): Actor {
    const { regions, random } = this.world;
    const token = { kind: "valid" as const, positions: this.open };
    return { userId: this.name, vantage: pick(regions, random), token };
  }

  private async write(): Promise<void> {
    const actor = this.actor();
    const count = this.count + 1;
    const call = { session: this.name, count };
    const called = this.world.history.invoke("session/write", actor.vantage, call);
    const title = sessionTitle(this.name, count);
    try {
      const written = await within(
        CLIENT_WAIT_MS,
        this.documentId === null
          ? createDocument(actor, { title, content: "" })
          : updateDocument(actor, {
              documentId: this.documentId,
              title,
              baseVersion: this.base,
              unversioned: true,
            }),
      );
      if (!written.ok) {
        // Whatever else it says, `unavailable` may have been written.
        if (written.code === "behind") return called.fail(written.message);
        this.isInDoubt = true;
        return called.info(`${written.code}: ${written.message}`);
      }
      const { value, receipt, open } = written;
      this.documentId = value.id;
      this.count = count;
      this.base = value.clock;
      this.open = open;
      called.ok({ ...stampOfReceipt(receipt), clock: value.clock });
    } catch (error) {
      this.isInDoubt = true;
      called.info(detailOf(error));
    }
  }

  private async read(documentId: string): Promise<void> {
    const actor = this.actor();
    const { name: session } = this;
    const called = this.world.history.invoke("session/read", actor.vantage, { session });
    try {
      const ask = this.world.random() < 0.5 ? readPage : readKept;
      const { row, receipt } = await within(CLIENT_WAIT_MS, ask(actor, documentId));
      const { stale, sessionComplete: complete, regionId: region } = receipt;
      const clock = row?.clock ?? {};
      const count = row ? countIn(row.title) : -1;
      const stamp = row ? stampOf(row) : NO_STAMP;
      // A person starts from what they see.
      if (row && !stale) this.base = clock;
      called.ok({ ...stamp, count, clock, stale, complete, region });
    } catch (error) {
      called.info(detailOf(error));
    }
  }
}
