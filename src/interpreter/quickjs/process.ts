/** Descriptor that requests come in and replies go out on. */
export const channel = 3;
/** Descriptor that is closed when the driver is gone. */
export const lifeline = 4;

/** Ends the process at once, whatever its threads are doing. */
export function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("killed");
}
