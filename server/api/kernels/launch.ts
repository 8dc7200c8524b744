import { type ChildProcess, spawn } from "node:child_process";

/** The server's environment with a kernel's own variables. */
export function kernelEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...process.env, ...env, JPY_PARENT_PID: String(process.pid) };
}

/** Starts the program of a kernel; whether it could be started is told by its events `spawn` and `error`. */
export function spawnKernel(
  argv: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; stdin: "ignore" | "pipe" },
): ChildProcess {
  const [program, ...args] = argv;
  const child = spawn(program!, args, {
    cwd: options.cwd,
    env: kernelEnvironment(options.env),
    stdio: [options.stdin, "pipe", "pipe"],
    // Its own process group: Ctrl-C in the server's terminal is ours to handle, and a kill reaches all it started.
    detached: process.platform !== "win32",
  });
  // One that ends before it has read all tells so by its exit.
  child.stdin?.on("error", () => undefined);
  return child;
}

/** Signals a kernel's whole process group; where there are none, the process. One that is gone is no error. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
