import { render, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { KeptElsewhere } from "@/components/residency/kept-elsewhere";
import { PlacementCard } from "@/components/residency/placement-card";
import type { PlacementView, Presence } from "@/lib/residency/placements";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const placement = {
  entity: "Document",
  id: "d-1",
  residency: "eu",
  regions: ["eu-west-1"],
  updatedAt: "2026-11-26T12:00:00.000Z",
} as unknown as PlacementView;

function verdictOf(held: Presence["held"], regionId: string): string {
  const { container, unmount } = render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <ul>
        <PlacementCard
          placement={placement}
          presence={[{ regionId, held }] as unknown as Presence[]}
        />
      </ul>
    </RegionNamesProvider>,
  );
  const row = container.querySelector<HTMLElement>(`[data-presence="${regionId}"]`);
  const text = within(row!)
    .getAllByRole("cell")
    .map((cell) => cell.textContent)
    .join(", ");
  unmount();
  return text;
}

describe("where a document is", () => {
  it.each([
    ["eu-west-1", { rows: 3, events: 1 }, "3, 1, as it should be"],
    ["eu-west-1", { rows: 0, events: 0 }, "0, 0, still to arrive"],
    ["us-east-1", { rows: 0, events: 0 }, "0, 0, as it should be"],
    ["us-east-1", { rows: 2, events: 0 }, "2, 0, still to be taken away"],
    ["us-east-1", { rows: 0, events: 2 }, "0, 2, still to be taken away"],
    ["us-east-1", null, "unknown, unknown, not known: the region did not answer"],
  ])("is said of %s with %j", (region, held, expected) => {
    expect(verdictOf(held, region)).toBe(expected);
  });
});

describe("documents that are kept elsewhere", () => {
  it("are not mentioned where there are none", () => {
    const { container } = render(<KeptElsewhere placements={[]} />);
    expect(container.textContent).toBe("");
  });

  it("are named by their ids", () => {
    render(
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <KeptElsewhere placements={[placement]} />
      </RegionNamesProvider>,
    );
    const link = screen.getByRole("link", { name: "Document d-1" });
    expect(link.getAttribute("href")).toBe("/documents/d-1");
    expect(screen.getByText("Dublin")).toBeTruthy();
  });

  it("lead an author to where an article is worked on", () => {
    const article = { ...placement, entity: "ContentItem", id: "ships" } as const;
    render(
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <KeptElsewhere placements={[article]} />
      </RegionNamesProvider>,
    );
    const link = screen.getByRole("link", { name: "Article ships" });
    expect(link.getAttribute("href")).toBe("/content/manage/ships");
  });

  it("lead a person to their account", () => {
    const account = { ...placement, entity: "User", id: "u-1" } as const;
    render(
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <KeptElsewhere placements={[account]} />
      </RegionNamesProvider>,
    );
    const link = screen.getByRole("link", { name: "Account u-1" });
    expect(link.getAttribute("href")).toBe("/account");
  });
});
