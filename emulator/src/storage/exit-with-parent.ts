/**
 * Loaded into Azurite's process before Azurite itself: when the host is gone (killed, crashed), Azurite ends as on SIGTERM,
 * which is how it writes its data to disk.
 */
let ending = false;

// Nobody reads what Azurite says while it closes; it must not fail on that before its data is on disk.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

process.on("SIGTERM", () => {
  ending = true;
  // Azurite ends when nothing is left to do; listening for the host must not count as something.
  process.channel?.unref();
});

process.on("disconnect", () => {
  if (!ending) {
    process.kill(process.pid, "SIGTERM");
  }
});
