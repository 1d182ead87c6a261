import { trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilTold } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { readDocument } from "@/lib/documents/read";
import { createDocument } from "@/lib/documents/write";
import { traced } from "@/lib/telemetry/traces";

const US = "us-east-1" as RegionId;
const WRITER = { userId: "writer", vantage: US };

const holder = globalThis as { meridianRuntime?: Runtime };
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let planet: TestPlanet;

beforeAll(async () => {
  provider.register();
  planet = await startTestPlanet();
  await planet.startWorkers();
  holder.meridianRuntime = planet.runtime(US);
});
afterAll(async () => {
  delete holder.meridianRuntime;
  await planet.stop();
  await provider.shutdown();
  trace.disable();
});

describe("the trace of a request", () => {
  it("goes on in the regions to which what it wrote is taken", async () => {
    const named = (name: string, traceId: string) =>
      exporter
        .getFinishedSpans()
        .filter((span) => span.name === name && span.spanContext().traceId === traceId);
    // What an applier pulls says nothing of traces, and one that has just begun pulls.
    const [request, applied] = await waitFor(async () => {
      exporter.reset();
      const made = await traced("request", {}, () =>
        createDocument(WRITER, { title: "Traced", content: "" }),
      );
      if (!made.ok) throw new Error(made.message);
      await untilTold(planet.regions);
      const ended = exporter.getFinishedSpans().find(({ name }) => name === "request")!;
      const spans = named("apply", ended.spanContext().traceId);
      return spans.length === 2 ? ([ended, spans] as const) : false;
    });
    const regions = applied.map(({ attributes }) => attributes["meridian.region"]);
    expect(regions.sort()).toEqual(["ap-southeast-1", "eu-west-1"]);
    expect(applied[0]!.attributes["meridian.source"]).toBe(US);
    const [write] = named("write", request.spanContext().traceId);
    expect(write?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  });

  it("has the read that waited for it", async () => {
    exporter.reset();
    const made = await createDocument(WRITER, { title: "Read", content: "" });
    if (!made.ok) throw new Error(made.message);
    await traced("request", {}, () => readDocument(WRITER, made.value.id));
    const spans = exporter.getFinishedSpans().map(({ name }) => name);
    expect(spans).toContain("read");
  });
});
