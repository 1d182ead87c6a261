import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { systemSleep } from "@/lib/clock";
import { encodeMessage } from "@/lib/db/replication/batch";
import { batchChannel } from "@/lib/db/replication/bus";
import { parseRegionId } from "@/lib/db/multi-region-config";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";

/** Of each channel: enough to repeat what the appliers have long applied. */
const KEPT = 200;
const EVERY_MS = 250;
const OVERSIZED_BYTES = 10 * 1024 * 1024;

/**
 * Somebody who can publish on the bus and does not have its secret: they hear everything, and may say it again, in another
 * order, changed or invented, or shout.
 */
export class BusAttacker {
  private readonly redis: Redis;
  private readonly ears: Redis;
  private readonly heard = new Map<string, Buffer[]>();

  constructor(
    url: string,
    private readonly regions: readonly string[],
    private readonly random: () => number,
  ) {
    const options = { maxRetriesPerRequest: 1, retryStrategy: () => 200 };
    this.redis = new Redis(url, options);
    this.ears = new Redis(url, { ...options, autoResubscribe: true });
    for (const redis of [this.redis, this.ears]) redis.on("error", () => undefined);
  }

  async listen(): Promise<void> {
    this.ears.on("messageBuffer", (channel: Buffer, bytes: Buffer) => {
      const name = channel.toString();
      const messages = this.heard.get(name) ?? [];
      // Its own shouts are not worth keeping.
      if (bytes.length < OVERSIZED_BYTES / 10) messages.push(bytes);
      if (messages.length > KEPT) messages.shift();
      this.heard.set(name, messages);
    });
    await this.ears.subscribe(...this.regions.map((id) => batchChannel(id as RegionId)));
  }

  repeat(untilMs: number): Promise<void> {
    return this.say(untilMs, (messages) => messages.slice(-20).flatMap((each) => [each, each]));
  }

  reorder(untilMs: number): Promise<void> {
    return this.say(untilMs, (messages) =>
      [...messages.slice(-50)].sort(() => this.random() - 0.5),
    );
  }

  /** Garbage, cut-off and altered messages, and whole ones with a secret that is not the bus's. */
  forge(untilMs: number): Promise<void> {
    return this.say(untilMs, (messages, region) => {
      const genuine = messages.at(-1) ?? randomBytes(200);
      const altered = Buffer.from(genuine);
      altered[Math.floor(this.random() * altered.length)]! ^= 1;
      const actor = region as Actor;
      const upto = toPosition(10n ** 12n);
      const secret = "a secret that nobody has given to this one";
      return [
        randomBytes(500),
        genuine.subarray(0, Math.floor(genuine.length / 2)),
        altered,
        encodeMessage(secret, { kind: "hint", actor, upto }),
        encodeMessage(secret, {
          kind: "heartbeat",
          actor,
          upto,
          sourceTime: "2099-01-01 00:00:00+00",
        }),
      ];
    });
  }

  /** Ten mebibytes that begin as a message does. */
  async shout(): Promise<void> {
    for (const region of this.regions) {
      const bytes = Buffer.concat([Buffer.from("MRB1"), randomBytes(OVERSIZED_BYTES)]);
      await this.publish(region, bytes);
    }
  }

  /** Redis with all that it keeps. */
  async flush(): Promise<void> {
    await this.redis.flushall();
  }

  close(): void {
    this.redis.disconnect();
    this.ears.disconnect();
  }

  private async say(
    untilMs: number,
    what: (messages: readonly Buffer[], region: string) => readonly Buffer[],
  ): Promise<void> {
    while (performance.now() < untilMs) {
      for (const region of this.regions) {
        const messages = this.heard.get(batchChannel(parseRegionId(region))) ?? [];
        for (const bytes of what(messages, region)) await this.publish(region, bytes);
      }
      await systemSleep(EVERY_MS);
    }
  }

  /** Redis may be away, by another fault: then nobody hears it. */
  private async publish(region: string, bytes: Buffer): Promise<void> {
    await this.redis.publish(batchChannel(region as RegionId), bytes).catch(() => undefined);
  }
}
