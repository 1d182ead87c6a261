// Loaded into every Node process of the planet (node --import). The IPC channel to the launcher
// closes when the launcher dies, kill -9 included: then this process must not live on.
const GRACE_MS = 5_000;

process.on("disconnect", () => {
  // Ordinary shutdown first; the timer is for one that hangs, and must not prolong one that works.
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, "SIGTERM");
});
