import { Kernel } from "../front/kernel.ts";
import { readConnectionFile } from "../protocol/connection.ts";

const usage = "Usage: cirlab kernel <connection-file>   (Jupyter starts it so; see cirlab install)";

/** `cirlab kernel <connection-file>`: the kernel process. Returns when a client has shut it down. */
export async function main(argv: string[]): Promise<number> {
  const file = argv.find((argument) => !argument.startsWith("-"));
  if (argv.includes("--help")) {
    console.log(usage);
    return 0;
  }
  if (!file || argv.length !== 1) {
    console.error(usage);
    return 2;
  }
  let kernel: Kernel;
  try {
    kernel = new Kernel(readConnectionFile(file));
  } catch (error) {
    console.error(`cirlab kernel: ${(error as Error).message}`);
    return 2;
  }
  process.on("SIGINT", () => kernel.interrupt());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void kernel.stop());
  const stopWatching = watchParent(() => void kernel.stop());
  await kernel.run();
  stopWatching();
  return 0;
}

/** Jupyter names the process that wants this kernel; when that one is gone, so is the need for the kernel. */
function watchParent(gone: () => void): () => void {
  const parent = process.ppid;
  if (!process.env.JPY_PARENT_PID || process.platform === "win32") return () => undefined;
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, 1000);
  timer.unref();
  return () => clearInterval(timer);
}
