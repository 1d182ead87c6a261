import { getEnv } from "@/lib/env";

/** Sends traces to the collector of OTEL_EXPORTER_OTLP_ENDPOINT; without one none are made. */
export async function startTelemetry(service: string): Promise<void> {
  const { telemetryUrl, currentRegion } = getEnv();
  if (telemetryUrl === null) return;
  const [
    { BatchSpanProcessor, NodeTracerProvider },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
  ] = await Promise.all([
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const own = resourceFromAttributes({ "service.name": service, "cloud.region": currentRegion });
  const given = detectResources({ detectors: [envDetector] });
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(own).merge(given),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
}
