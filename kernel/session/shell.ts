import { spawn } from "node:child_process";

/** How long an interrupted command may take to end by itself. */
const graceMs = 1000;

/**
 * Runs the command beside a guard: the guard's input is a pipe from this process. When that closes, however this process
 * ends, the guard ends the command's process group, which is also its own.
 */
const guarded = `(cat <&3; kill -KILL 0) >/dev/null 2>&1 & exec 3<&-; exec /bin/sh -c "$1"`;

/**
 * Runs a command of /bin/sh in the working folder; what it prints appears as it comes. What it leaves running ends with
 * it.
 *
 * @param signal interrupts the command.
 * @throws Error when the command fails (exit code above 0) or is interrupted.
 */
export async function runCommand(command: string, signal: AbortSignal): Promise<void> {
  if (process.platform === "win32") throw new Error('"!" runs commands of /bin/sh, which Windows does not have.');
  const child = spawn("/bin/sh", ["-c", guarded, "sh", command], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => process.stdout.write(text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => process.stderr.write(text));
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    kill("SIGINT");
    timer = setTimeout(() => kill("SIGKILL"), graceMs);
  };
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  const how = await new Promise<string | undefined>((resolve, reject) => {
    child.once("error", reject);
    let reason: string | undefined;
    child.once("exit", (code, name) => {
      reason = name ? `was ended by ${name}` : code === 0 ? undefined : `ended with exit code ${code}`;
      // The guard, and what the command left in the background.
      kill("SIGKILL");
    });
    child.once("close", () => resolve(reason));
  });
  clearTimeout(timer);
  signal.removeEventListener("abort", interrupt);
  if (signal.aborted) throw signal.reason;
  if (how) throw Object.assign(new Error(`The command ${how}: ${command}`), { name: "CommandFailed", stack: "" });
}
