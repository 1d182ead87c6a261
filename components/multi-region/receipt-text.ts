import type { Receipt } from "@/lib/db/read-your-writes";

type City = (regionId: string) => string;

export interface ReceiptText {
  /** A few words for the badge. */
  short: string;
  /** Why this region answered, in a sentence. */
  long: string;
  tone: "plain" | "notable" | "bad";
}

export function formatMs(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "unknown";
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms > 0 && ms < 1) return "<1 ms";
  return `${Math.round(ms)} ms`;
}

/** Says what a receipt says, for people. Pure. */
export function describeReceipt(receipt: Receipt, city: City): ReceiptText {
  const region = city(receipt.regionId);
  const vantage = city(receipt.vantage);
  if (receipt.kind === "write") return describeWrite(receipt, region, vantage);
  if (receipt.quorum === "unconfirmed" && receipt.reason !== "quorum") {
    return {
      short: "not confirmed elsewhere yet",
      long: `${region} leads and answered. Too few other regions confirmed in time that they have all of it: what is newest may yet be lost with ${region}.`,
      tone: "notable",
    };
  }
  switch (receipt.reason) {
    case "nearest":
      return {
        short: "nearest",
        long: hasEntries(receipt.required)
          ? `${region} is the nearest region and already had everything this session has seen.`
          : `${region} is the nearest region, and this session has no write that it could miss.`,
        tone: "plain",
      };
    case "waited":
      return {
        short: `waited ${formatMs(receipt.waitedMs)}`,
        long: `${region} was a moment behind what this session has seen, so the read waited ${formatMs(receipt.waitedMs)} for it.`,
        tone: "notable",
      };
    case "primary":
      return {
        short: "from the primary",
        long: `The replica that ${region} is read from had not yet got what this session has seen. Its primary had, and answered.`,
        tone: "notable",
      };
    case "redirected-behind":
      return {
        short: `redirected, ${vantage} was behind`,
        long: `${vantage} had not yet applied what this session has seen. ${region} had it and was sooner than waiting.`,
        tone: "notable",
      };
    case "redirected-down":
      return {
        short: `redirected, ${vantage} is down`,
        long: `${vantage} did not answer, so ${region} did.`,
        tone: "notable",
      };
    case "redirected-leader":
      return {
        short: "from the leader",
        long: `A ${receipt.level} read is answered by the leading region, ${region}.`,
        tone: "notable",
      };
    case "redirected-rights":
      return {
        short: `redirected, ${vantage} had none left`,
        long: `${vantage} has not the right to sell so many. ${region} has.`,
        tone: "notable",
      };
    case "redirected-residency":
      return {
        short: "served across, it is kept there",
        long: `This is kept in ${region} and must not be in ${vantage}, so ${region} answered from afar.`,
        tone: "notable",
      };
    case "invalid-token":
      return {
        short: "redirected, token not valid",
        long: `This session's consistency token could not be trusted, so the leading region, ${region}, answered instead.`,
        tone: "notable",
      };
    case "stale-fallback":
      return {
        short: "may be out of date",
        long: `No region within reach has everything this session has seen. ${region} answered with what it has.`,
        tone: "bad",
      };
    case "no-lease":
      return {
        short: "no leader confirmed it",
        long: `${region} answered, but could not show that it leads. Another region may have newer data.`,
        tone: "bad",
      };
    case "quorum":
      return receipt.stale
        ? {
            short: "may be out of date",
            long: `${listOf(receipt.copies?.regions, city)} answered, and none of them has everything this session has seen.`,
            tone: "bad",
          }
        : {
            short: `from ${receipt.copies?.regions.length ?? 1} regions`,
            long: `This is what ${listOf(receipt.copies?.regions, city)} have together.${
              receipt.repaired?.length
                ? ` ${listOf(receipt.repaired, city)} lacked some of it and will fetch it.`
                : ""
            }`,
            tone: "plain",
          };
    case "no-quorum":
      return {
        short: "too few regions answered",
        long: `${region} answered with what it has. ${receipt.copies?.needed ?? "More"} regions are needed to be sure that nothing is missing.`,
        tone: "bad",
      };
    default:
      return receipt.reason satisfies never;
  }
}

function describeWrite(receipt: Receipt, region: string, vantage: string): ReceiptText {
  if (receipt.quorum === "unconfirmed") {
    return {
      short: "not confirmed elsewhere yet",
      long: `Written in ${region}. Too few other regions confirmed in time that it has arrived there.`,
      tone: "bad",
    };
  }
  switch (receipt.reason) {
    case "redirected-down":
      return {
        short: `written here, ${vantage} is down`,
        long: `${vantage} did not take the write, so it was made in ${region}, the next nearest region.`,
        tone: "notable",
      };
    case "redirected-behind":
      return {
        short: `written here, ${vantage} was behind`,
        long: `${vantage} had not yet applied the version this change starts from, so it was made in ${region}.`,
        tone: "notable",
      };
    case "redirected-residency":
      return {
        short: "written where it is kept",
        long: `This must not be in ${vantage}, so it was written in ${region}, where it is kept.`,
        tone: "notable",
      };
    case "redirected-rights":
      return {
        short: "written where the rights are",
        long: `This takes rights that ${region} holds and ${vantage} does not, so it was written in ${region}.`,
        tone: "notable",
      };
    case "redirected-leader":
      return {
        short: "written at the leader",
        long: `This is written in the leading region, ${region}, alone.`,
        tone: "notable",
      };
    case "waited":
      return {
        short: `waited ${formatMs(receipt.waitedMs)}`,
        long: `The write waited ${formatMs(receipt.waitedMs)} until ${region} had the version it starts from.`,
        tone: "notable",
      };
    default:
      return {
        short: "written here",
        long: `Written in ${region}, the nearest region. The other regions receive it in the background.`,
        tone: "plain",
      };
  }
}

function listOf(regions: readonly string[] | undefined, city: City): string {
  return new Intl.ListFormat("en").format((regions ?? []).map(city));
}

function hasEntries(record: Record<string, string>): boolean {
  return Object.keys(record).length > 0;
}
