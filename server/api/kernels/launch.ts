import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** How many seconds a kernel of this package lives on without work when its server is gone. */
const defaultGraceS = 600;

/** The server's environment with a kernel's own variables. */
export function kernelEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const server = String(process.pid);
  const grace = process.env.CIRLAB_KERNEL_GRACE_S ?? String(defaultGraceS);
  // With the server's number: programs that the kernel starts inherit it, and it is not meant for them.
  return { ...process.env, JPY_PARENT_PID: server, CIRLAB_KERNEL_GRACE: `${server}:${grace}`, ...env };
}

/**
 * Starts the program of a kernel; whether it could be started is told by its events `spawn` and `error`.
 *
 * @param options `log`: file that gets what it writes to its terminal. No pipe: a kernel may outlive this process.
 */
export function spawnKernel(
  argv: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; stdin: "ignore" | "pipe"; log: string },
): ChildProcess {
  const [program, ...args] = argv;
  const log = openSync(options.log, "a", 0o600);
  try {
    const child = spawn(program!, args, {
      cwd: options.cwd,
      env: kernelEnvironment(options.env),
      stdio: [options.stdin, log, log],
      // Its own process group: Ctrl-C in the server's terminal is ours to handle, and a kill reaches all it started.
      detached: process.platform !== "win32",
    });
    // A server that leaves its kernels to the next one does not wait for their end.
    child.unref();
    // One that ends before it has read all tells so by its exit.
    child.stdin?.on("error", () => undefined);
    return child;
  } finally {
    closeSync(log);
  }
}

/** Signals a kernel's whole process group; where there are none, the process. One that is gone is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
