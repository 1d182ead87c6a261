import type pg from "pg";
import type { Client } from "pg";
import { waitFor } from "./wait-for";

export interface Letter {
  id: string;
  entity_id: string;
  actor: string;
  status: string;
  sqlstate: string | null;
  message: string | null;
  attempts: number;
}

/** What tests ask and do about the dead letters of one region, whose pool is known once it runs. */
export function deadLettersOf(region: () => pg.Pool) {
  const open = async () =>
    (
      await region().query<{ entity: string; entity_id: string }>(
        "SELECT DISTINCT entity, entity_id FROM mr.dead_letter WHERE open",
      )
    ).rows;
  const letters = async (id: string): Promise<Letter[]> =>
    (
      await region().query<Letter>(
        `SELECT id::text, entity_id, actor, status, sqlstate, message, attempts
         FROM mr.dead_letter WHERE entity_id = $1 ORDER BY id`,
        [id],
      )
    ).rows;
  const refuseBad = () =>
    region().query(
      `ALTER TABLE "Document" ADD CONSTRAINT no_bad CHECK (title NOT LIKE 'bad%') NOT VALID`,
    );
  const insert = (pool: pg.Pool, id: string, title: string) =>
    pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, $2, 'u')`, [id, title]);
  const title = async (pool: pg.Pool, id: string) =>
    (await pool.query<{ title: string }>(`SELECT title FROM "Document" WHERE id = $1`, [id]))
      .rows[0]?.title;
  const parked = (id: string, count = 1) =>
    waitFor(async () => (await letters(id)).length >= count && letters(id), {
      what: `${count} letters of ${id}`,
    });
  const call = async (client: pg.Pool | Client, fn: string, ...args: unknown[]) => {
    const list = args.map((_, n) => `$${n + 1}`).join(", ");
    const { rows } = await client.query<{ outcome: Record<string, unknown> }>(
      `SELECT mr.${fn}(${list}) AS outcome`,
      args,
    );
    return rows[0]?.outcome;
  };
  const lastId = async (id: string) => (await letters(id)).at(-1)?.id;
  const audits = async (id: string) =>
    (
      await region().query<{ actor_user: string | null; action: string; result: string }>(
        `SELECT actor_user, action, result FROM mr.audit WHERE subject = $1 ORDER BY id`,
        [`Document/${id}`],
      )
    ).rows;
  return { open, letters, refuseBad, insert, title, parked, call, lastId, audits };
}
