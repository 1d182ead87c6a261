// npm run db:seed: the demo accounts and documents, written in the region that leads.
import { MeridianError } from "@/lib/errors";
import type { MigratableRegion } from "@/scripts/migrate-runner";
import { seedDemo } from "@/scripts/seed-runner";
import { databaseTargets } from "@/scripts/targets";
import { withClient } from "@/scripts/with-client";

/** The primary of the configuration leads at first; after a failover its database knows who does. */
async function findLeader(regions: readonly MigratableRegion[]): Promise<MigratableRegion> {
  const primary = regions.find((region) => region.isPrimary);
  if (!primary) throw new MeridianError("no-leader", "No region is the primary.");
  const { rows } = await withClient(primary.directUrl, "meridian-seed", (client) =>
    client.query<{ leader: string }>("SELECT leader FROM mr.leadership"),
  );
  const leader = regions.find((region) => region.id === rows[0]?.leader);
  if (!leader) throw new MeridianError("no-leader", "Run `npm run db:migrate` first.");
  return leader;
}

const leader = await findLeader(databaseTargets());
const report = await seedDemo({
  leaderDirectUrl: leader.directUrl,
  regions: databaseTargets(),
});
for (const { email, role, created } of report.accounts) {
  console.log(`${email}  ${role}  ${created ? "created" : "was there"}`);
}
console.log(
  [
    `${report.documentsCreated} documents, ${report.productsCreated} products,`,
    `${report.scoresCreated} scores and ${report.articlesCreated} articles created in ${leader.id}.`,
  ].join(" "),
);
