import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import {
  connectionSchema,
  createConnection,
  type JupyterMessage,
  KernelClient,
  type SpareOrder,
  writeConnectionFile,
} from "../../../kernel/protocol/index.ts";
import type { FoundKernelSpec } from "../../../kernel/specs/index.ts";
import { HttpError } from "../errors.ts";
import { kernelEnvironment, signalGroup, spawnKernel } from "./launch.ts";
import { boundLog, newLogFile, tailOfLog } from "./log.ts";
import { childProcess, foreignProcess, identityOf, type OsProcess, type ProcessEnd } from "./osProcess.ts";

export interface LaunchOptions {
  spec: FoundKernelSpec;
  /** Working directory of the kernel. */
  cwd: string;
  /** Added to the server's environment and the kernelspec's; asked for at each start. */
  env: () => NodeJS.ProcessEnv;
  /** Gives a kernel of this specification that waits for its order, if there is one. */
  takeSpare?: () => Spare | undefined;
}

/** A kernel that waits for its order, and the file that it logs to. */
export interface Spare {
  child: ChildProcess;
  log: string;
}

/** What another server needs to take a running kernel up. Holds the key: it is as secret as a connection file. */
export const lifeSchema = z.object({
  pid: z.int().positive(),
  /** See `identityOf`. */
  identity: z.string(),
  connection: connectionSchema,
  connectionFile: z.string(),
  log: z.string(),
  /** The client's session: replies that are under way find a client of the same one. */
  session: z.string(),
  interruptMode: z.enum(["signal", "message"]),
});
export type LifeRecord = z.infer<typeof lifeSchema>;

/** How long a kernel may take to end by itself after a shutdown request. */
const shutdownGraceMs = 5_000;
/** How long a kernel that is taken up may take to answer. */
const adoptionMs = 10_000;
/** How often a kernel is shown that its server is there. */
const heartbeatMs = 5_000;
const logCheckMs = 60_000;

/** One life of a kernel: its process (and whatever that starts) and our connection to it. */
export class KernelProcess {
  readonly client: KernelClient;
  /** Settles with the way the process ended. */
  readonly exited: Promise<ProcessEnd>;
  readonly #process: OsProcess;
  readonly #record: Omit<LifeRecord, "pid" | "identity">;
  readonly #timers: NodeJS.Timeout[];
  #isReleased = false;

  private constructor(process: OsProcess, client: KernelClient, record: Omit<LifeRecord, "pid" | "identity">) {
    this.#process = process;
    this.client = client;
    this.#record = record;
    this.exited = process.exited.then((end) => {
      if (!this.#isReleased) this.#end();
      return end;
    });
    this.#timers = [
      setInterval(() => void client.ping(), heartbeatMs).unref(),
      setInterval(() => boundLog(record.log), logCheckMs).unref(),
    ];
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
    const ownEnv = { ...spec.env, ...env() };
    const spare = takeSpare?.();
    const log = spare?.log ?? newLogFile();
    let child = spare?.child;
    if (child) {
      const order = { connectionFile: file, cwd, env: definedOf(kernelEnvironment(ownEnv)) } satisfies SpareOrder;
      child.stdin!.end(`${JSON.stringify(order)}\n`);
    } else {
      const argv = spec.argv.map((arg) => arg.replaceAll("{connection_file}", file).replaceAll("{resource_dir}", dir));
      child = spawnKernel(argv, { cwd, env: ownEnv, stdin: "ignore", log });
      try {
        await once(child, "spawn");
      } catch (error) {
        await Promise.all([file, log].map((left) => rm(left, { force: true })));
        throw new HttpError(500, `Kernel ${name} cannot be started: ${(error as Error).message}`);
      }
    }
    const client = new KernelClient(connection);
    client.onMessage(listen);
    const { interrupt_mode: interruptMode } = spec;
    const record = { connection, connectionFile: file, log, session: client.session, interruptMode };
    return new KernelProcess(childProcess(child), client, record);
  }

  /**
   * Takes up a kernel that an earlier server started.
   *
   * @returns undefined when it has ended. One that does not answer is ended: nobody could use it.
   */
  static async adopt(
    { pid, identity, ...record }: LifeRecord,
    listen: (message: JupyterMessage) => void,
  ): Promise<KernelProcess | undefined> {
    const running = foreignProcess(pid, identity);
    if (!running.isAlive()) {
      await Promise.all([record.connectionFile, record.log].map((left) => rm(left, { force: true })));
      return undefined;
    }
    const client = new KernelClient(record.connection, { session: record.session });
    client.onMessage(listen);
    const life = new KernelProcess(running, client, record);
    try {
      // On the control channel: a kernel that runs a cell may not answer on the other one before its end.
      await client.ready(adoptionMs, "control");
      return life;
    } catch (error) {
      console.error(
        `A kernel of an earlier server (pid ${pid}) does not answer and is ended: ${(error as Error).message}`,
      );
      life.kill();
      await life.exited;
      return undefined;
    }
  }

  /** What another server needs to take this kernel up; undefined when the process has ended. */
  get record(): LifeRecord | undefined {
    const identity = identityOf(this.pid);
    return identity === undefined ? undefined : { ...this.#record, pid: this.pid, identity };
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The last of what the process wrote to its terminal. */
  get log(): string {
    return tailOfLog(this.#record.log);
  }

  /** Lets go of the kernel, which goes on. */
  release(): void {
    this.#isReleased = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.client.close();
  }

  /** Waits until the kernel answers. @throws when it ends before, or stays silent for a minute. */
  async ready(): Promise<void> {
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`the process ended (${signal ?? `exit code ${code}`}) before it answered`);
    });
    await Promise.race([this.client.ready(60_000), early]);
  }

  async interrupt(): Promise<void> {
    if (this.#record.interruptMode === "message") {
      await this.client.request("control", "interrupt_request", {}, { timeoutMs: 10_000 });
    } else {
      this.#signal("SIGINT");
    }
  }

  /** Ends the kernel: by its own shutdown first, by force after a few seconds. All its children end with it. */
  async stop(restart: boolean): Promise<void> {
    if (this.#process.isAlive()) {
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

  /** Signals the whole process group; where there are none, the process. */
  #signal(signal: NodeJS.Signals): void {
    signalGroup(this.pid, signal);
  }

  #end(): void {
    this.#signal("SIGKILL");
    this.release();
    const { connectionFile, log } = this.#record;
    void rm(connectionFile, { force: true });
    // Whoever asks why it ended reads the log first.
    setImmediate(() => void rm(log, { force: true }));
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
