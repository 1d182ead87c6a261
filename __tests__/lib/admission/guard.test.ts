import { createServer, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { admission, guardServers } from "@/lib/admission/guard";

const { emit } = Server.prototype;
const server = createServer((_request, response) => response.end("done"));
let origin = "";

beforeAll(async () => {
  guardServers();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  Server.prototype.emit = emit;
  await new Promise((resolve) => server.close(resolve));
});

describe("a guarded server", () => {
  it("answers what it takes in", async () => {
    const response = await fetch(`${origin}/documents`);
    expect([response.status, await response.text()]).toEqual([200, "done"]);
  });

  it("refuses the rest, and says when to come back", async () => {
    const none = vi.spyOn(admission, "admit").mockReturnValue(false);
    try {
      const body = "x".repeat(1_000_000);
      for (const init of [{}, { method: "POST", body }]) {
        const response = await fetch(`${origin}/documents`, init);
        expect(response.status).toBe(503);
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
        expect(response.headers.get("cache-control")).toBe("no-store");
        expect(await response.text()).toContain("Try again");
      }
      for (const path of ["/api/health/live", "/api/metrics", "/_next/static/a.js"]) {
        expect((await fetch(`${origin}${path}`)).status).toBe(200);
      }
    } finally {
      none.mockRestore();
    }
  });

  it("stops looking once nothing is open", async () => {
    const looks = vi.spyOn(admission, "look");
    await fetch(`${origin}/documents`);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const before = looks.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(looks.mock.calls.length).toBe(before);
  });
});
