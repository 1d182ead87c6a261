import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type SpanContext,
} from "@opentelemetry/api";

const tracer = () => trace.getTracer("meridian");

/** `traceparent` of the W3C's Trace Context, of a sampled trace. */
const SAMPLED = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-01$/;

/** Runs the work in a span of its own. Without a tracer it is just run. */
export function traced<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  return tracer().startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      // No message: it may hold rows.
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Of the span that is running here; null unless it is sampled. */
export function currentTraceparent(): string | null {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !(context.traceFlags & TraceFlags.SAMPLED)) return null;
  return `00-${context.traceId}-${context.spanId}-01`;
}

export function isTraceparent(text: string): boolean {
  return SAMPLED.test(text);
}

/** Writes down what was done elsewhere for a trace that began in another process. */
export function traceApart(
  name: string,
  traceparent: string,
  { startMs, attributes }: { startMs: number; attributes: Attributes },
): void {
  const [, traceId, spanId] = SAMPLED.exec(traceparent) ?? [];
  if (!traceId || !spanId) return;
  const parent: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const context = trace.setSpanContext(ROOT_CONTEXT, parent);
  const options = { kind: SpanKind.CONSUMER, startTime: startMs, attributes };
  tracer().startSpan(name, options, context).end();
}
