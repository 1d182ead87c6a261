import type { Positions } from "@/lib/db/sessions/positions";
import { within } from "@/lib/db/regions/faults";
import { readDocument } from "@/lib/documents/read";
import { createDocument, deleteDocument } from "@/lib/documents/write";
import {
  CLIENT_WAIT_MS,
  client,
  detailOf,
  newName,
  pick,
  stampOfReceipt,
  type World,
} from "@/scripts/drill/chaos/world";

export const ROWS_OWNER = "chaos-rows";
export const ROW = "row";

const CLIENTS = 2;
const PAUSE_MS = 500;

/** Inserts rows, deletes most of them from another region, and looks whether they stay away. */
export function insertAndDelete(world: World): Promise<void> {
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    client(world, PAUSE_MS, () => live(world, n)),
  );
  return Promise.all(clients).then(() => undefined);
}

async function live(world: World, n: number): Promise<void> {
  const { history, regions, random } = world;
  let open: Positions = new Map();
  const actor = () => ({
    userId: ROWS_OWNER,
    vantage: pick(regions, random),
    token: { kind: "valid" as const, positions: open },
  });
  const element = newName(ROW);
  const inserter = actor();
  const inserted = history.invoke("rows/insert", inserter.vantage, { element });
  let id: string;
  try {
    const made = await within(
      CLIENT_WAIT_MS,
      createDocument(inserter, { title: element, content: "" }),
    );
    if (!made.ok) return inserted.info(made.message);
    ({ open } = made);
    id = made.value.id;
    inserted.ok({ ...stampOfReceipt(made.receipt), id });
  } catch (error) {
    return inserted.info(detailOf(error));
  }
  if (random() < 0.2) return;
  const deleter = actor();
  const deleted = history.invoke("rows/delete", deleter.vantage, { id });
  try {
    const done = await within(CLIENT_WAIT_MS, deleteDocument(deleter, id));
    // Of a refusal too it is not known whether an attempt before the last one was made.
    if (!done.ok) return deleted.info(`${done.code}: ${done.message}`);
    ({ open } = done);
    deleted.ok(stampOfReceipt(done.receipt));
  } catch (error) {
    return deleted.info(detailOf(error));
  }
  const reader = actor();
  const session = `${ROWS_OWNER}-${n}`;
  const looked = history.invoke("rows/read", reader.vantage, { id, session });
  try {
    const { value, receipt } = await within(CLIENT_WAIT_MS, readDocument(reader, id));
    looked.ok({ found: value !== null, stale: receipt.stale });
  } catch (error) {
    looked.info(detailOf(error));
  }
}
