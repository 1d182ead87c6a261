import type pg from "pg";
import { systemSleep } from "@/lib/clock";

export interface SaleVerdict {
  /** In every region, free + reserved + sold units are the stock. */
  balanced: boolean;
  /** The rights of all actors are the free units, and nobody's are negative. */
  rightsConserved: boolean;
  /** Most units that were taken at any moment of the joined history. */
  mostTaken: number;
  oversold: boolean;
  converged: boolean;
}

interface Seen {
  free: number;
  held: number;
  sold: number;
  rights: Record<string, number>;
  text: string;
}

const SEEN = `
  SELECT p.stock AS free, mr.rights_by_actor(p.merge, 'stock', p.stock, p.origin) AS rights,
    t.held, t.sold, p.clock::text || p.merge::text || t.text AS text
  FROM "Product" p, LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE status = 'held'), 0)::integer AS held,
      coalesce(sum(quantity) FILTER (WHERE status = 'confirmed'), 0)::integer AS sold,
      coalesce(md5(string_agg(id || status, ' ' ORDER BY id)), '') AS text
    FROM "Reservation" WHERE "productId" = p.id) t
  WHERE p.id = $1`;

/** Waits until all regions have the same, and counts. */
export async function judgeSale(
  regions: readonly pg.Pool[],
  { product, stock, waitMs }: { product: string; stock: number; waitMs: number },
): Promise<SaleVerdict> {
  const look = () =>
    Promise.all(
      regions.map(async (pool) => {
        const { rows } = await pool.query<Seen>(SEEN, [product]);
        if (!rows[0]) throw new Error(`A region does not know ${product}`);
        return rows[0];
      }),
    );
  const deadlineMs = performance.now() + waitMs;
  let seen: Seen[] | null = null;
  let converged = false;
  while (!converged && performance.now() < deadlineMs) {
    seen = await look().catch(() => null);
    converged = seen !== null && new Set(seen.map(({ text }) => text)).size === 1;
    if (!converged) await systemSleep(200);
  }
  const states = seen ?? (await look());
  const mostTaken = await mostTakenAtOnce(regions[0]!, product);
  return {
    balanced: states.every(({ free, held, sold }) => free + held + sold === stock),
    rightsConserved: states.every(({ free, rights }) => {
      const held = Object.values(rights);
      return held.every((units) => units >= 0) && held.reduce((sum, n) => sum + n, 0) === free;
    }),
    mostTaken,
    oversold: mostTaken > stock,
    converged,
  };
}

/** Each reservation takes its units when it is made, and gives them back when it is over, if it does. */
async function mostTakenAtOnce(pool: pg.Pool, product: string): Promise<number> {
  const { rows } = await pool.query<{ most: number }>(
    `SELECT coalesce(max(taken), 0)::integer AS most FROM (
       SELECT sum(units) OVER (ORDER BY at, units DESC ROWS UNBOUNDED PRECEDING) AS taken FROM (
         SELECT "createdAt" AS at, quantity AS units FROM "Reservation" WHERE "productId" = $1
         UNION ALL SELECT "settledAt", -quantity FROM "Reservation"
           WHERE "productId" = $1 AND status IN ('released', 'expired')) changes) sums`,
    [product],
  );
  return rows[0]?.most ?? 0;
}
