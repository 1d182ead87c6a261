/** Runs once when a server starts; also called for the edge runtime, which has no environment. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { checkEnvironment } = await import("@/lib/check-environment");
    checkEnvironment();
    const [{ after }, { setLater }, { guardServers }, { startTelemetry }, { getEnv }] =
      await Promise.all([
        import("next/server"),
        import("@/lib/db/ticks/later"),
        import("@/lib/admission/guard"),
        import("@/lib/telemetry/start"),
        import("@/lib/env"),
      ]);
    setLater(after);
    await startTelemetry("meridian-web");
    // While it compiles pages, a development server is as good as overloaded; a platform has its own limits.
    const { nodeEnv, serverless } = getEnv();
    if (nodeEnv === "production" && !serverless) guardServers();
  }
}
