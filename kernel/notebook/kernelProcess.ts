import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { KernelClient } from "../protocol/client.ts";
import { createConnection, writeConnectionFile } from "../protocol/connection.ts";
import { kernelName, ownKernelSpec } from "../specs/index.ts";

/** A kernel that was started for one job. */
export interface StartedKernel {
  client: KernelClient;
  /** Rejects when the kernel's process ends before it is stopped. */
  ended: Promise<never>;
  stop(): Promise<void>;
}

/** Starts this package's kernel in a folder and waits until it answers. */
export async function startKernel(folder: string): Promise<StartedKernel> {
  const connection = await createConnection({ kernelName });
  const file = await writeConnectionFile(connection);
  const [command, ...args] = ownKernelSpec().argv.map((argument) =>
    argument === "{connection_file}" ? file : argument,
  );
  const child = spawn(command!, args, {
    cwd: folder,
    // What nobody typed is no history.
    env: { ...process.env, JPY_PARENT_PID: String(process.pid), CIRLAB_HISTORY: "off" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const client = new KernelClient(connection);
  const exit = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const ended = exit.then((reason) => {
    throw new Error(`The kernel ended: ${reason}.`);
  });
  ended.catch(() => undefined);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const asked = client.request("control", "shutdown_request", { restart: false }, { timeoutMs: 5000 });
      await Promise.race([asked.then(() => exit), exit]).catch(() => child.kill("SIGKILL"));
    }
    client.close();
    await rm(file, { force: true });
  };
  try {
    await Promise.race([client.ready(), ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { client, ended, stop };
}
