import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { LiveStatus } from "@/components/documents/live/live-status";
import type { SyncState } from "@/components/documents/live/text-sync";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const SAVED: SyncState = {
  phase: "saved",
  unsent: 0,
  merged: false,
  regionId: "eu-west-1",
  message: null,
  present: [],
};

function show(state: Partial<SyncState>) {
  const { container } = render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <LiveStatus state={{ ...SAVED, ...state }} />
    </RegionNamesProvider>,
  );
  return { text: container.textContent, announced: screen.getByRole("status").textContent };
}

describe("the state of a live text", () => {
  it.each([
    [{}, /^Saved in/, ""],
    [
      { merged: true },
      /^Saved in .*merged with what others wrote/,
      ", merged with what others wrote.",
    ],
    [{ phase: "saving", unsent: 2 }, /^Saving…$/, ""],
    [{ phase: "offline", unsent: 1 }, /1 edit kept here/, "Offline: 1 edit kept here."],
    [{ phase: "offline", unsent: 3 }, /3 edits kept here/, "Offline: 3 edits kept here."],
    [{ phase: "offline" }, /Offline\./, "Offline. What you write is kept here."],
    [{ phase: "refused", message: "Too long." }, /^Too long\.$/, "Too long."],
  ] as const)(
    "is said, and announced where it calls for attention: %j",
    (state, text, announced) => {
      const shown = show(state);
      expect(shown.text).toMatch(text);
      expect(shown.announced).toBe(announced);
    },
  );

  it("names who else is here, and where", () => {
    const present = [
      { userId: "a", name: "Ada", regionId: "eu-west-1" },
      { userId: "b", name: "<b>Bo</b>", regionId: "us-east-1" },
    ];
    expect(show({ present }).text).toMatch(/Also here: Ada \(.+\), <b>Bo<\/b> \(.+\)$/);
  });
});
