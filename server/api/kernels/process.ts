import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import {
  createConnection,
  type JupyterMessage,
  KernelClient,
  type SpareOrder,
  writeConnectionFile,
} from "../../../kernel/protocol/index.ts";
import type { FoundKernelSpec } from "../../../kernel/specs/index.ts";
import { HttpError } from "../errors.ts";
import { kernelEnvironment, signalGroup, spawnKernel } from "./launch.ts";

export interface LaunchOptions {
  spec: FoundKernelSpec;
  /** Working directory of the kernel. */
  cwd: string;
  /** Added to the server's environment and the kernelspec's. */
  env: NodeJS.ProcessEnv;
  /** Gives a kernel of this specification that waits for its order, if there is one. */
  takeSpare?: () => ChildProcess | undefined;
}

/** How long a kernel may take to end by itself after a shutdown request. */
const shutdownGraceMs = 5_000;
const logTailChars = 4_000;

/** One life of a kernel: its process (and whatever that starts) and our connection to it. */
export class KernelProcess {
  readonly client: KernelClient;
  /** Settles with the way the process ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #connectionFile: string;
  readonly #interruptMode: "signal" | "message";
  #log = "";

  private constructor(child: ChildProcess, client: KernelClient, connectionFile: string, mode: "signal" | "message") {
    this.#child = child;
    this.client = client;
    this.#connectionFile = connectionFile;
    this.#interruptMode = mode;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-logTailChars);
      });
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#end();
        resolve({ code, signal });
      };
      // A spare may have ended just before.
      if (this.#isAlive()) child.once("exit", ended);
      else ended(child.exitCode, child.signalCode);
    });
  }

  /**
   * Starts the process, or gives a spare one its order; it need not answer yet.
   *
   * @throws HttpError 500 when the program of the kernelspec cannot be started.
   */
  static async launch(
    { spec: { name, dir, spec }, cwd, env, takeSpare }: LaunchOptions,
    listen: (message: JupyterMessage) => void,
  ): Promise<KernelProcess> {
    const connection = await createConnection({ kernelName: name });
    const file = await writeConnectionFile(connection);
    const ownEnv = { ...spec.env, ...env };
    let child = takeSpare?.();
    if (child) {
      const order = { connectionFile: file, cwd, env: definedOf(kernelEnvironment(ownEnv)) } satisfies SpareOrder;
      child.stdin!.end(`${JSON.stringify(order)}\n`);
    } else {
      const argv = spec.argv.map((arg) => arg.replaceAll("{connection_file}", file).replaceAll("{resource_dir}", dir));
      child = spawnKernel(argv, { cwd, env: ownEnv, stdin: "ignore" });
      try {
        await once(child, "spawn");
      } catch (error) {
        await rm(file, { force: true });
        throw new HttpError(500, `Kernel ${name} cannot be started: ${(error as Error).message}`);
      }
    }
    const client = new KernelClient(connection);
    client.onMessage(listen);
    return new KernelProcess(child, client, file, spec.interrupt_mode);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The last of what the process wrote to its terminal. */
  get log(): string {
    return this.#log.trim();
  }

  /** Waits until the kernel answers. @throws when it ends before, or stays silent for a minute. */
  async ready(): Promise<void> {
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`the process ended (${signal ?? `exit code ${code}`}) before it answered`);
    });
    await Promise.race([this.client.ready(60_000), early]);
  }

  async interrupt(): Promise<void> {
    if (this.#interruptMode === "message") {
      await this.client.request("control", "interrupt_request", {}, { timeoutMs: 10_000 });
    } else {
      this.#signal("SIGINT");
    }
  }

  /** Ends the kernel: by its own shutdown first, by force after a few seconds. All its children end with it. */
  async stop(restart: boolean): Promise<void> {
    if (this.#isAlive()) {
      this.client.request("control", "shutdown_request", { restart }, { timeoutMs: shutdownGraceMs }).catch(() => {
        // No answer is fine: the process is ended below.
      });
      const timer = setTimeout(() => this.#signal("SIGKILL"), shutdownGraceMs);
      await this.exited;
      clearTimeout(timer);
    }
    this.#end();
  }

  /** Last resort when the server itself has to go at once. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Signals the whole process group; where there are none, the process. */
  #signal(signal: NodeJS.Signals): void {
    signalGroup(this.#child, signal);
  }

  #end(): void {
    this.#signal("SIGKILL");
    this.client.close();
    void rm(this.#connectionFile, { force: true });
  }
}

/** Variables without a value are none. */
function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** What a process wrote last, as one line for the server's log. */
export function deathNote(
  name: string,
  life: KernelProcess,
  how: { code: number | null; signal: string | null },
): string {
  const last = life.log ? `; it wrote: ${life.log}` : "";
  return `Kernel ${basename(name)} (pid ${life.pid}) ended: ${how.signal ?? `exit code ${how.code}`}${last}`;
}
