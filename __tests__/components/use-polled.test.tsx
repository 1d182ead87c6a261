import { render, screen, waitFor } from "@testing-library/react";
import { useEffect, useState } from "react";
import { SWRConfig } from "swr";
import { afterEach, expect, it, vi } from "vitest";
import { usePolled } from "@/components/multi-region/use-polled";

afterEach(() => vi.unstubAllGlobals());

const POLL_MS = 200;
const DRAWN_EVERY_MS = 50;

/** Draws itself four times before it would ask again, as a page with another, quicker poll does. */
function Busy() {
  const [drawn, setDrawn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setDrawn((n) => n + 1), DRAWN_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const { data } = usePolled<{ asked: number }>("/api/busy", () => POLL_MS, { dedupeMs: 0 });
  return (
    <p>
      asked {data?.asked}, drawn {drawn}
    </p>
  );
}

it("asks again and again however often the page is drawn meanwhile", async () => {
  let asked = 0;
  vi.stubGlobal("fetch", async () => Response.json({ asked: ++asked }));
  render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <Busy />
    </SWRConfig>,
  );
  await waitFor(() => expect(screen.getByText(/asked 5/)).toBeInTheDocument(), { timeout: 5_000 });
});
