/** Runs once when a server starts; also called for the edge runtime, which has no environment. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { checkEnvironment } = await import("@/lib/check-environment");
    checkEnvironment();
    const [{ after }, { setLater }] = await Promise.all([
      import("next/server"),
      import("@/lib/db/ticks/later"),
    ]);
    setLater(after);
  }
}
