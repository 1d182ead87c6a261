import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PageAsker, TitleAsker } from "@/scripts/bench/http-askers";
import { loadHttp, roundOf, type Answers } from "@/scripts/bench/http-load";

const answers = (more: Partial<Answers> = {}): Answers => ({
  times: Array.from({ length: 200 }, (_, n) => n + 1),
  seconds: 4,
  others: new Map(),
  errors: 0,
  ...more,
});

describe("a round", () => {
  it("has its rate and its p99", () => {
    const { perSecond, p99Ms } = roundOf(answers());
    expect(perSecond).toBe(50);
    expect(p99Ms).toBeCloseTo(198.01);
  });

  it("does not count where something was refused, lost or never asked", () => {
    const others = new Map([
      ["503 for /", 3],
      ["302 for /documents", 1],
    ]);
    expect(() => roundOf(answers({ others }))).toThrow(
      "Not every answer was 200: 3 × 503 for /, 1 × 302 for /documents",
    );
    expect(() => roundOf(answers({ errors: 2 }))).toThrow("2 requests were not answered");
    expect(() => roundOf(answers({ times: [] }))).toThrow("Nothing was answered");
  });
});

describe("a load", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  async function serve(status: (asked: string) => number): Promise<[string, Set<string>]> {
    const asked = new Set<string>();
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const text = `${request.method} ${request.url} ${body}`;
        asked.add(text);
        response.writeHead(status(text)).end("answer");
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return [`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked];
  }

  it("asks on each connection for what that one asks for", async () => {
    const [origin, asked] = await serve(() => 200);
    const heard: string[] = [];
    const page = Object.assign(new PageAsker("/"), { heard: (text: string) => heard.push(text) });
    const { perSecond } = await loadHttp(origin, [page, new TitleAsker("/1/title", "one")], 0.3);
    expect(perSecond).toBeGreaterThan(10);
    expect(heard[0]).toBe("answer");
    for (const count of [1, 2]) {
      expect(asked).toContain(`PATCH /1/title {"title":"one, ${count}"}`);
    }
    expect(asked).toContain("GET / ");
  });

  it("fails where one is refused", async () => {
    const [origin] = await serve((text) => (text.startsWith("PATCH") ? 503 : 200));
    const askers = [new PageAsker("/"), new TitleAsker("/1/title", "one")];
    await expect(loadHttp(origin, askers, 0.3)).rejects.toThrow(
      /^Not every answer was 200: \d+ × 503 for \/1\/title$/,
    );
  });
});
