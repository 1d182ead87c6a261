// node scripts/compose-secrets.mjs <folder> [host]
//
// The service "secrets" of docker-compose.yml: makes the passwords and secrets of a planet once, and the environments of
// its processes, each with what that needs: app.env for migrations and seeds, web.env, and worker-<region>.env. With
// "host" it also prints the environment for processes outside of the containers.
import { randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

/** Part of the names of services and files and, on the host, port of each region's database, as in docker-compose.yml. */
const DATABASES = [
  { key: "US_EAST", name: "us-east", port: 5441 },
  { key: "EU_WEST", name: "eu-west", port: 5442 },
  { key: "AP_SOUTHEAST", name: "ap-southeast", port: 5443 },
];
const REDIS = { service: "redis", port: 6381 };
const SECRETS = [
  "owner-password",
  "app-password",
  "auth-secret",
  "replication-secret",
  "address-key",
  "seed-password",
  ...DATABASES.map(({ name }) => `peer-password-${name}`),
];

/** To be linked or renamed when it is whole: a process may end in mid-write, and another one may do the same. */
function writeDraft(file, text) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o644 });
  return draft;
}

function readOrMake(folder, name) {
  const file = path.join(folder, name);
  if (!existsSync(file)) {
    const draft = writeDraft(file, randomBytes(24).toString("hex"));
    try {
      linkSync(draft, file);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    unlinkSync(draft);
  }
  return readFileSync(file, "utf8");
}

/**
 * @param {string[]} regions of which it knows the database owner's password, and that of the workers' role
 * @param {{ onHost?: boolean, seeds?: boolean }} reader outside of the containers; makes the demo accounts
 */
function environment(secrets, regions, { onHost = false, seeds = false } = {}) {
  const address = ({ name, service = `db-${name}`, port }, inside) =>
    onHost ? `127.0.0.1:${port}` : `${service}:${inside}`;
  const url = (role, password, database) =>
    `postgresql://${role}:${password}@${address(database, 5432)}/meridian`;
  return [
    ...DATABASES.flatMap((database) => [
      ...["READ", "WRITE"].map(
        (use) =>
          `DB_${database.key}_${use}=${url("meridian_app", secrets["app-password"], database)}`,
      ),
      ...(regions.includes(database.name)
        ? [
            `DB_${database.key}_DIRECT=${url("meridian_owner", secrets["owner-password"], database)}`,
            `PEER_PASSWORD_${database.key}=${secrets[`peer-password-${database.name}`]}`,
          ]
        : []),
    ]),
    `REDIS_URL=redis://${address(REDIS, 6379)}`,
    `AUTH_SECRET=${secrets["auth-secret"]}`,
    `REPLICATION_SECRET=${secrets["replication-secret"]}`,
    `ADDRESS_KEY=${secrets["address-key"]}`,
    ...(seeds ? [`SEED_PASSWORD=${secrets["seed-password"]}`] : []),
  ].join("\n");
}

const [folder, reader] = process.argv.slice(2);
if (!folder || (reader !== undefined && reader !== "host")) {
  console.error("Usage: node scripts/compose-secrets.mjs <folder> [host]");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const secrets = Object.fromEntries(SECRETS.map((name) => [name, readOrMake(folder, name)]));
const all = DATABASES.map(({ name }) => name);
const environments = {
  app: environment(secrets, all, { seeds: true }),
  web: environment(secrets, []),
  ...Object.fromEntries(all.map((name) => [`worker-${name}`, environment(secrets, [name])])),
};
for (const [name, text] of Object.entries(environments)) {
  const file = path.join(folder, `${name}.env`);
  renameSync(writeDraft(file, `${text}\n`), file);
}
if (reader === "host") console.log(environment(secrets, all, { onHost: true, seeds: true }));
