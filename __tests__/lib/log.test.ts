import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createLogger, maskCredentials } from "@/lib/log";

function capture(options: Parameters<typeof createLogger>[0] = {}) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, log: createLogger({ ...options, destination }) };
}

test("binds the region and the component", () => {
  const { lines, log } = capture({ region: "eu-west-1", component: "applier" });
  log.info("moved");
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: "info",
    region: "eu-west-1",
    component: "applier",
    msg: "moved",
  });
});

test("writes no credential that rides along in an object", () => {
  const { lines, log } = capture();
  const url = "postgresql://app:hunter2@db.example/app";
  log.info({ user: { email: "a@example.com", passwordHash: "hunter2" }, password: "hunter2" }, "x");
  log.info({ config: { region: { directUrl: url } }, headers: { cookie: "hunter2" } }, "x");
  log.error({ err: new Error(`cannot reach ${url}`, { cause: new Error(url) }) }, "x");
  expect(lines).toHaveLength(3);
  expect(lines.join("")).not.toContain("hunter2");
  expect(lines.join("")).toContain("a@example.com");
});

test("masks user and password in the middle of a text", () => {
  expect(maskCredentials("no redis://:pw@h:1 and postgres://a:b@c/d, but mail@example.com")).toBe(
    "no redis://***@h:1 and postgres://***@c/d, but mail@example.com",
  );
});

test("an unknown level is the usual one", () => {
  expect(createLogger({ level: "shout" }).level).toBe("info");
});

test("quotes no row that a database error came with", () => {
  const { lines, log } = capture();
  const error = Object.assign(new Error("duplicate key value violates unique constraint"), {
    code: "23505",
    detail: "Key (email)=(a@example.com) already exists.",
    where: "COPY User, line 1: secret-content",
    client: { connectionParameters: { user: "secret-user" } },
  });
  log.warn({ err: error }, "x");
  log.warn({ err: new Error("wrapped", { cause: error }) }, "x");
  expect(lines.join("")).toContain("23505");
  expect(lines.join("")).not.toContain("a@example.com");
  expect(lines.join("")).not.toContain("secret-content");
  expect(lines.join("")).not.toContain("secret-user");
});
