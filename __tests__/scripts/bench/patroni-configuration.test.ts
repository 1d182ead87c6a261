import { describe, expect, it } from "vitest";
import { settledLeaderOf } from "@/scripts/bench/patroni/cluster";
import {
  DEFAULT_TIMINGS,
  etcdArguments,
  fastestTimings,
  patroniConfiguration,
} from "@/scripts/bench/patroni/configuration";

const configuration = patroniConfiguration({
  scope: "bench",
  name: "bench-1",
  timings: fastestTimings("3.0.2"),
  apiPort: 20_001,
  postgresPort: 20_002,
  etcdPort: 20_003,
  binDir: "/programs",
  dataDir: "/node/data",
  passFile: "/node/pgpass",
  password: "secret",
});

describe("a Patroni node", () => {
  it.each([
    ["defaults", DEFAULT_TIMINGS],
    ["fastest of 3.0", fastestTimings("3.0.2")],
    ["fastest of 3.2", fastestTimings("3.2.0")],
    ["fastest of 4.0", fastestTimings("4.0.6")],
  ])("has timings that keep Patroni's rule: %s", (_, { ttl, loopWait, retryTimeout }) => {
    expect(ttl).toBeGreaterThanOrEqual(loopWait + 2 * retryTimeout);
  });

  it("has a ttl of 20 s at least since 3.2", () => {
    expect(["3.0.2", "3.1.9", "3.2.0", "4.0.6"].map((each) => fastestTimings(each).ttl)).toEqual([
      3, 3, 20, 20,
    ]);
  });

  it("tells its cluster the timings, and to take a former leader back", () => {
    expect(configuration.bootstrap.dcs).toEqual({
      ttl: 3,
      loop_wait: 1,
      retry_timeout: 1,
      postgresql: { use_pg_rewind: true },
    });
  });

  it("flushes each commit", () => {
    expect(configuration.postgresql.parameters).toMatchObject({
      fsync: "on",
      synchronous_commit: "on",
    });
  });

  it("is reached on this machine alone, by password", () => {
    const { restapi, etcd, postgresql } = configuration;
    const addresses = [restapi.listen, restapi.connect_address, etcd.host, postgresql.listen];
    for (const address of addresses) expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(postgresql.parameters.unix_socket_directories).toBe("");
    for (const line of postgresql.pg_hba) expect(line).toMatch(/ 127\.0\.0\.1\/32 scram-sha-256$/);
  });
});

it("etcd listens on this machine alone", () => {
  const urls = etcdArguments("/data", 20_003, 20_004).filter((each) => each.includes("://"));
  for (const url of urls) expect(url).toMatch(/(^|=)http:\/\/127\.0\.0\.1:2000[34]$/);
  expect(urls).toHaveLength(5);
});

describe("the leader of a settled cluster", () => {
  const leader = { name: "a", role: "leader", state: "running", timeline: 3 };
  const replica = { name: "b", role: "replica", state: "running", timeline: 3 };
  const other = { ...replica, name: "c", state: "streaming" };

  it("is the one whose timeline all run on", () => {
    expect(settledLeaderOf([replica, leader, other])).toBe("a");
  });

  it.each([
    ["nobody leads", [replica, other, { ...other, name: "a" }]],
    ["a member is missing", [leader, replica]],
    ["a member starts", [leader, replica, { ...other, state: "starting" }]],
    ["a member is on a former timeline", [leader, replica, { ...other, timeline: 2 }]],
    ["a member does not say", [leader, replica, { ...other, timeline: undefined }]],
  ])("is not known while %s", (_, members) => {
    expect(settledLeaderOf(members)).toBeNull();
  });
});
