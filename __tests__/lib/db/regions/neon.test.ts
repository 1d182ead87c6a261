import { neonConfig } from "@neondatabase/serverless";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { driverOf, neonAdapter } from "@/lib/db/regions/neon";

const NEON = "postgresql://u:p@ep-cool-1-pooler.us-east-2.aws.neon.tech/meridian?sslmode=require";
const OWN = "postgresql://u:p@db.example.com:5432/meridian";

describe("the driver of an endpoint", () => {
  it("is Neon's for hosts of Neon alone", () => {
    expect(driverOf(NEON, null)).toBe("neon");
    expect(driverOf(OWN, null)).toBe("pg");
    expect(driverOf("postgresql://u:p@neon.tech.example.com/m", null)).toBe("pg");
  });

  it("is the configured one for any", () => {
    expect(driverOf(NEON, "pg")).toBe("pg");
    expect(driverOf(OWN, "neon")).toBe("neon");
  });
});

describe("Neon's adapter", () => {
  const before = { ...neonConfig };
  afterEach(() => void Object.assign(neonConfig, before));

  it("has WebSockets in each Node.js, and goes to Neon", () => {
    const { wsProxy } = neonConfig;
    neonAdapter({ connectionString: NEON }, null);
    expect(neonConfig.webSocketConstructor).toBe(WebSocket);
    expect(neonConfig.wsProxy).toBe(wsProxy);
    expect(neonConfig.useSecureWebSocket).toBe(true);
  });

  it("goes to the proxy with the database's address", () => {
    neonAdapter({ connectionString: OWN }, "127.0.0.1:5480");
    const { wsProxy } = neonConfig;
    const address = typeof wsProxy === "function" ? wsProxy("db.example.com", 5432) : wsProxy;
    expect(address).toBe("127.0.0.1:5480/?address=db.example.com%3A5432");
    expect(neonConfig.useSecureWebSocket).toBe(false);
  });
});
