import { describe, expect, it } from "vitest";
import { CookieJar, PageAsker, TitleAsker, TypedTitleAsker } from "@/scripts/bench/http-askers";

const bodyOf = ({ body }: { body?: string | Buffer | undefined }): unknown =>
  JSON.parse(String(body));

describe("a page", () => {
  it("is asked for with the cookie of somebody who is signed in", () => {
    const { method, path, headers } = new PageAsker("/documents", "session=sealed").next();
    expect({ method, path, cookie: headers?.cookie }).toEqual({
      method: "GET",
      path: "/documents",
      cookie: "session=sealed",
    });
  });

  it("is asked for without a cookie by anybody else", () => {
    expect(new PageAsker("/").next().headers).not.toHaveProperty("cookie");
  });
});

describe("a title", () => {
  it("is another one each time", () => {
    const asker = new TitleAsker("/bench-1/title", "bench-1");
    expect([asker.next(), asker.next()].map(bodyOf)).toEqual([
      { title: "bench-1, 1" },
      { title: "bench-1, 2" },
    ]);
  });

  it("starts from the version that the answer told of, with the cookies that it set", () => {
    const path = "/api/documents/bench-1/title";
    const asker = new TypedTitleAsker(path, "bench-1", "http://127.0.0.1:1", "session=sealed", {
      "us-east-1": 1,
    });
    const first = asker.next();
    expect(first.headers).toMatchObject({ origin: "http://127.0.0.1:1", cookie: "session=sealed" });
    expect(bodyOf(first)).toEqual({ title: "bench-1, 1", baseVersion: { "us-east-1": 1 } });
    asker.heard(JSON.stringify({ ok: true, clock: { "us-east-1": 2 } }), {
      "set-cookie": ["token=open; Path=/; HttpOnly"],
    });
    const second = asker.next();
    expect(second.headers?.cookie).toBe("session=sealed; token=open");
    expect(bodyOf(second)).toEqual({ title: "bench-1, 2", baseVersion: { "us-east-1": 2 } });
  });
});

describe("a cookie jar", () => {
  it("keeps the last value of each name, with what signs it", () => {
    const jar = new CookieJar("a=1; b=x=y==");
    jar.take("a=2; Path=/; Max-Age=60");
    jar.take(undefined);
    expect(jar.toString()).toBe("a=2; b=x=y==");
  });

  it("forgets what is set to nothing", () => {
    const jar = new CookieJar("a=1; b=2");
    jar.take(["b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=3"]);
    expect(jar.toString()).toBe("a=1; c=3");
  });
});
