/**
 * Loaded into Azurite's process before Azurite itself: when the host is gone (killed, crashed), Azurite ends as on SIGTERM,
 * which is how it writes its data to disk.
 */
let ending = false;

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
