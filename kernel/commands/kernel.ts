import { dropThreads, prepareThread } from "../compiler/thread.ts";
import { transpilerUrl } from "../compiler/transpilerUrl.ts";
import type { Kernel } from "../front/kernel.ts";
import { dropSessionChild, prepareSessionChild } from "../front/sessionChild.ts";
import type { ConnectionInfo } from "../protocol/connection.ts";
import type { SpareOrder } from "../protocol/spareOrder.ts";
import { settle } from "../session/settle.ts";

const usage = "Usage: cirlab kernel <connection-file>   (Jupyter starts it so; see cirlab install)";

/**
 * `cirlab kernel <connection-file>`: the kernel process. Returns when a client has shut it down.
 *
 * `cirlab kernel --spare` (for servers) gets everything ready and waits for a `SpareOrder`, one line of JSON on standard
 * input; from then on it is the kernel that a start in that folder with that environment would have made. It ends when
 * standard input does.
 */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help")) {
    console.log(usage);
    return 0;
  }
  const [argument] = argv;
  if (argv.length !== 1 || !argument || (argument.startsWith("-") && argument !== "--spare")) {
    console.error(usage);
    return 2;
  }
  // Both take as long as the rest of this process: they start while that is loaded.
  prepareSessionChild();
  prepareThread(transpilerUrl);
  try {
    const { Kernel, readConnectionFile } = await load();
    if (argument === "--spare") return await beSpare();
    const connection = readConnectionFile(argument);
    return await serve(new Kernel(), connection);
  } catch (error) {
    console.error(`cirlab kernel: ${(error as Error).message}`);
    return 2;
  } finally {
    dropSessionChild();
    await dropThreads();
  }
}

async function load() {
  const [{ Kernel }, { readConnectionFile }, { readOrder }] = await Promise.all([
    import("../front/kernel.ts"),
    import("../protocol/connection.ts"),
    import("../protocol/spareOrder.ts"),
  ]);
  return { Kernel, readConnectionFile, readOrder };
}

/** Serves until a client or a signal ends the kernel. */
async function serve(kernel: Kernel, connection: ConnectionInfo): Promise<number> {
  process.on("SIGINT", () => kernel.interrupt());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void kernel.stop());
  const stopWatching = watchParent(kernel, () => void kernel.stop());
  await kernel.run(connection);
  stopWatching();
  return 0;
}

async function beSpare(): Promise<number> {
  const { Kernel, readConnectionFile, readOrder } = await load();
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const kernel = new Kernel();
  void kernel.warmUp();
  let order: SpareOrder | undefined;
  let connection: ConnectionInfo | undefined;
  try {
    order = await readOrder(process.stdin, stopped.signal);
    connection = order && readConnectionFile(order.connectionFile);
  } finally {
    if (!connection) await kernel.stop();
  }
  if (!order || !connection) return 0;
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
  settle(order.cwd, order.env);
  kernel.settle(order.cwd, order.env);
  return serve(kernel, connection);
}

/**
 * Jupyter names the process that wants this kernel; when that one is gone, so is the need for the kernel. A server that can
 * take its kernels up again says how long one may wait for it, in seconds; a cell that runs is never cut off.
 */
function watchParent(kernel: Kernel, gone: () => void): () => void {
  const parent = process.ppid;
  if (!process.env.JPY_PARENT_PID || process.platform === "win32") return () => undefined;
  const [server, seconds] = (process.env.CIRLAB_KERNEL_GRACE ?? "").split(":");
  const graceMs = server === process.env.JPY_PARENT_PID ? 1000 * Number(seconds) : 0;
  if (graceMs > 0) kernel.holdUnheard();
  const periodMs = graceMs > 0 ? Math.min(1000, graceMs / 4) : 1000;
  // Counted, not measured: a machine that slept has not waited.
  let waited = 0;
  let heard = kernel.heard;
  const timer = setInterval(() => {
    if (process.ppid === parent || (graceMs > 0 && (kernel.isBusy || kernel.heard !== heard))) waited = 0;
    else waited += periodMs;
    heard = kernel.heard;
    if (waited > graceMs) gone();
  }, periodMs);
  timer.unref();
  return () => clearInterval(timer);
}
