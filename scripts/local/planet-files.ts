import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { z } from "zod";
import { isAlive, startTimeOf } from "@/scripts/local/process-tools";

const secret = z.string().min(32);

const secretsSchema = z.object({
  ownerPassword: secret,
  appPassword: secret,
  peerSecret: secret,
  authSecret: secret,
  replicationSecret: secret,
  controlToken: secret,
  addressKey: secret,
  cronSecret: secret,
});

/**
 * Made once per planet. Losing the file costs sessions and the accounts that are kept in some regions, and the
 * passwords are set anew.
 */
export type PlanetSecrets = z.infer<typeof secretsSchema>;

/** What programs outside (tests, drills, psql) need to know about a running planet. */
export interface ClusterFile {
  /** Null with --headless. */
  web: string | null;
  /** Null in degraded mode. */
  redis: string | null;
  /** Links and faults, with the bearer token of secrets.json; see planet-control.ts. */
  control: string;
  regions: {
    id: string;
    /** As the owner, through the region's own proxy. */
    url: string;
    /** As the owner, past the proxies. */
    directUrl: string;
    /** With which the workers of other regions log in, by theirs. */
    peerPasswords: Readonly<Record<string, string>>;
    /** Postmaster; null when external or while it restarts. */
    pid: number | null;
    workerPid: number | null;
  }[];
}

const holderSchema = z.object({
  pid: z.number().int().positive(),
  startTime: z.string().optional(),
  state: z.enum(["starting", "running", "stopping"]),
  web: z.string().nullable(),
});

export type PlanetHolder = z.infer<typeof holderSchema>;

const processesSchema = z.array(
  z.object({ name: z.string(), pid: z.number().int().positive(), startTime: z.string() }),
);

export type RecordedProcess = z.infer<typeof processesSchema>[number];

/** Readers see the old file or the new one, never a half. Only its owner may read it. */
function replaceFile(file: string, value: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(fresh, "w", 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(fresh, file);
}

function readParsed<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined; // missing, or a half that an earlier version left
  }
}

/** The files by which a planet is known. `stateDir` is .local unless it is an ephemeral planet. */
export class PlanetFiles {
  readonly links: string;
  readonly logs: string;
  private readonly cluster: string;
  private readonly secretsFile: string;
  private readonly holderFile: string;
  private readonly processes: string;

  /** `dataDir` holds what the processes leave behind, `stateDir` what others read. */
  constructor(
    readonly stateDir: string,
    readonly dataDir: string,
  ) {
    this.links = path.join(stateDir, "links.json");
    this.logs = path.join(stateDir, "logs");
    this.cluster = path.join(stateDir, "cluster.json");
    this.secretsFile = path.join(stateDir, "secrets.json");
    this.holderFile = path.join(stateDir, "planet.json");
    this.processes = path.join(dataDir, "processes.json");
  }

  secrets(): PlanetSecrets {
    const known = readParsed(this.secretsFile, secretsSchema.partial());
    const generate = () => randomBytes(32).toString("base64url");
    const secrets = {
      ownerPassword: generate(),
      appPassword: generate(),
      peerSecret: generate(),
      authSecret: generate(),
      replicationSecret: generate(),
      controlToken: generate(),
      addressKey: generate(),
      cronSecret: generate(),
      // One that was added since the file was written is made, and the others stay.
      ...known,
    };
    if (secretsSchema.safeParse(known).success) return secrets;
    replaceFile(this.secretsFile, secrets);
    return secrets;
  }

  log(name: string): string {
    return path.join(this.logs, `${name}.log`);
  }

  writeCluster(cluster: ClusterFile): void {
    replaceFile(this.cluster, cluster);
  }

  writeLinks(links: unknown): void {
    replaceFile(this.links, links);
  }

  /** The launcher that holds this planet, if it is alive. */
  holder(): PlanetHolder | undefined {
    const holder = readParsed(this.holderFile, holderSchema);
    if (!holder || !isAlive(holder.pid)) return undefined;
    return startTimeOf(holder.pid) === holder.startTime ? holder : undefined;
  }

  writeHolder(state: PlanetHolder["state"], web: string | null): void {
    const startTime = startTimeOf(process.pid);
    replaceFile(this.holderFile, { pid: process.pid, startTime, state, web });
  }

  recordProcesses(running: readonly { name: string; pid: number }[]): void {
    const recorded = running.flatMap(({ name, pid }) => {
      const startTime = startTimeOf(pid);
      return startTime === undefined ? [] : [{ name, pid, startTime }];
    });
    replaceFile(this.processes, recorded);
  }

  /** Processes of an earlier launcher that still run: the pid alone would not be proof enough. */
  leftovers(): RecordedProcess[] {
    const recorded = readParsed(this.processes, processesSchema) ?? [];
    return recorded.filter(({ pid, startTime }) => isAlive(pid) && startTimeOf(pid) === startTime);
  }

  /** A stopped planet must not look like a running one. */
  removeRunning(): void {
    for (const file of [this.cluster, this.links, this.holderFile, this.processes]) {
      rmSync(file, { force: true });
    }
  }
}
