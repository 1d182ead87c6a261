import { render, screen } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LeadershipBanner } from "@/components/multi-region/leadership-banner";

vi.mock("@/components/multi-region/service-notices", () => {
  throw new Error("Loading chunk 1 failed.");
});

beforeEach(() => {
  vi.stubGlobal("fetch", async () => Response.json({ kind: "changing", bus: "degraded" }));
});
afterEach(() => vi.unstubAllGlobals());

it("says it plainly where the notices can't be loaded, and leaves the page", async () => {
  render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <p>The page.</p>
      <LeadershipBanner initial={{ kind: "changing" }} bus="degraded" />
    </SWRConfig>,
  );
  expect(await screen.findByRole("alert")).toHaveTextContent(
    "No region leads at the moment. Redis is away.",
  );
  expect(screen.getByText("The page.")).toBeInTheDocument();
});
