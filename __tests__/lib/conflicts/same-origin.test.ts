import { expect, it } from "vitest";
import { isSameOrigin } from "@/app/api/answers";

const request = (headers: Record<string, string>) =>
  new Request("http://site.example/api/conflicts/c/resolve", { method: "POST", headers });

it.each([
  [{ origin: "http://site.example", host: "site.example" }, true],
  [
    { origin: "https://site.example", host: "inner:3000", "x-forwarded-host": "site.example" },
    true,
  ],
  [{ "sec-fetch-site": "same-origin" }, true],
  [{ origin: "https://site.example", host: "site.example", "sec-fetch-site": "same-origin" }, true],
  [{ host: "site.example" }, false],
  [{ origin: "https://evil.example", host: "site.example" }, false],
  [{ origin: "https://site.example.evil.example", host: "site.example" }, false],
  [{ origin: "null", host: "site.example" }, false],
  [{ origin: "https://site.example", host: "site.example", "sec-fetch-site": "same-site" }, false],
  [{ "sec-fetch-site": "cross-site" }, false],
] as [Record<string, string>, boolean][])("%j: %s", (headers, expected) => {
  expect(isSameOrigin(request(headers))).toBe(expected);
});
