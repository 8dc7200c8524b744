import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { commandFile } from "../../kernel/package.ts";
import { createConnection, KernelClient, writeConnectionFile } from "../../kernel/protocol/index.ts";
import { askPython, type BenchContext } from "./measure.ts";

/** How a kernel is started, and the cells it is asked in its own language. */
export interface Contestant {
  readonly name: string;
  command(connectionFile: string): string[];
  readonly declare: (i: number) => string;
  /** Defines an object; what is typed at its end is completed. */
  readonly object: string;
  /** Prints "started" and never ends. */
  readonly spin: string;
  /** Whether it is interrupted by message. */
  readonly byMessage: boolean;
}

const typescript = {
  declare: (i: number) =>
    `const value${i}: number = ${i};\nfunction twice${i}(x: number) { return 2 * x + value${i}; }`,
  object: "const model = { trainable: true, train(steps: number) { return steps; } };",
  spin: 'console.log("started"); while (true) {}',
};
const python = {
  declare: (i: number) => `value${i} = ${i}\ndef twice${i}(x):\n    return 2 * x + value${i}`,
  object: "class model:\n    trainable = True\n    def train(steps):\n        return steps",
  spin: 'print("started", flush=True)\nwhile True: pass',
};

export const ours: Contestant = {
  name: "ours",
  command: (file) => [process.execPath, commandFile, "kernel", file],
  byMessage: true,
  ...typescript,
};

const require = createRequire(import.meta.url);
export const tslab: Contestant = {
  name: `tslab ${require("tslab/package.json").version}`,
  command: (file) => [process.execPath, require.resolve("tslab/bin/tslab"), "kernel", `--config-path=${file}`],
  byMessage: false,
  ...typescript,
};

/** ipykernel, where a Python has it. */
export function ipykernel(context: BenchContext): Contestant | undefined {
  const program = context.python("ipykernel");
  if (program === undefined) return undefined;
  return {
    name: `ipykernel ${askPython(program, "import ipykernel; print(ipykernel.__version__)")}`,
    command: (file) => [program, "-m", "ipykernel_launcher", "-f", file, "--HistoryManager.hist_file=:memory:"],
    byMessage: false,
    ...python,
  };
}

/** A kernel that runs, with how long it took. */
export interface StartedKernel {
  readonly client: KernelClient;
  readonly pid: number;
  /** Milliseconds from its start until it answered. */
  readonly readyMs: number;
  /** When it was started, as `performance.now()` says. */
  readonly begin: number;
  stop(): Promise<void>;
}

/** Starts a kernel in the package's folder (where tslab finds its types). */
export async function start({ command }: Contestant): Promise<StartedKernel> {
  const connection = await createConnection();
  const file = await writeConnectionFile(connection);
  const [program, ...args] = command(file);
  const begin = performance.now();
  const child = spawn(program!, args, {
    cwd: dirname(dirname(commandFile)),
    env: { ...process.env, CIRLAB_HISTORY: "off" },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  const client = new KernelClient(connection);
  const stop = async () => {
    client.close();
    child.kill("SIGKILL");
    await exited;
    await rm(file, { force: true });
  };
  try {
    await client.ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return { client, pid: child.pid!, readyMs: performance.now() - begin, begin, stop };
}

/** Runs a cell as interactive clients do; resolves when its reply and the idle status are here. */
export async function execute(client: KernelClient, code: string): Promise<void> {
  const { done } = send(client, code);
  const status = await done;
  if (status !== "ok") throw new Error(`A cell failed: ${code}`);
}

/** Sends a cell: its first output, and the status of its reply once it is idle. */
export function send(client: KernelClient, code: string): { printed: Promise<void>; done: Promise<unknown> } {
  const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true };
  const message = client.message("execute_request", content);
  const { msg_id } = message.header;
  let tellPrinted: () => void = () => undefined;
  const printed = new Promise<void>((resolve) => {
    tellPrinted = resolve;
  });
  const idle = new Promise<void>((resolve) => {
    const stop = client.onMessage(({ channel, header, parent_header, content: said }) => {
      if (channel !== "iopub" || parent_header.msg_id !== msg_id) return;
      if (header.msg_type === "stream") tellPrinted();
      if (header.msg_type !== "status" || said.execution_state !== "idle") return;
      stop();
      resolve();
    });
  });
  const done = client.ask("shell", message, 120_000).then(async ({ content: reply }) => {
    await idle;
    return reply.status;
  });
  return { printed, done };
}

/** Resident memory of a process and of all that it started, in MiB (Linux); undefined where it cannot be read. */
export function residentMemory(pid: number): number | undefined {
  try {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const fields = readText(`/proc/${name}/stat`)
        ?.replace(/^.*\) /s, "")
        .split(" ");
      if (fields) parents.set(Number(name), Number(fields[1]));
    }
    const family = new Set([pid]);
    for (let size = 0; size !== family.size; ) {
      size = family.size;
      for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
    }
    const kib = [...family].map((member) =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readText(`/proc/${member}/status`) ?? "")?.[1] ?? 0),
    );
    return kib.reduce((sum, size) => sum + size, 0) / 1024;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
