import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { commandFile } from "../../kernel/package.ts";
import { createConnection, KernelClient, writeConnectionFile } from "../../kernel/protocol/index.ts";
import { askPython, type Bench, type BenchRow, type BenchTable, median, seconds } from "./measure.ts";

/** How a kernel is started, and the cells it is asked in its own language. */
interface Contestant {
  readonly name: string;
  command(connectionFile: string): string[];
  readonly declare: (i: number) => string;
  /** Defines an object; what is typed at its end is completed. */
  readonly object: string;
}

const typescript = {
  declare: (i: number) =>
    `const value${i}: number = ${i};\nfunction twice${i}(x: number) { return 2 * x + value${i}; }`,
  object: "const model = { trainable: true, train(steps: number) { return steps; } };",
};
const python = {
  declare: (i: number) => `value${i} = ${i}\ndef twice${i}(x):\n    return 2 * x + value${i}`,
  object: "class model:\n    trainable = True\n    def train(steps):\n        return steps",
};

const figures = [
  "start to ready",
  "start to first result",
  "1 + 1",
  "cell with two declarations",
  "completion of model.tr",
] as const;
type Figures = Record<(typeof figures)[number], number>;

const cells = 40;

/** Time from a request until its reply and the idle status are here; and how long a kernel takes to start. */
export const bench: Bench = async (context) => {
  const ours: Contestant = {
    name: "ours",
    command: (file) => [process.execPath, commandFile, "kernel", file],
    ...typescript,
  };
  const require = createRequire(import.meta.url);
  const tslab: Contestant = {
    name: `tslab ${require("tslab/package.json").version}`,
    command: (file) => [process.execPath, require.resolve("tslab/bin/tslab"), "kernel", `--config-path=${file}`],
    ...typescript,
  };
  const program = context.python("ipykernel");
  const ipykernel: Contestant | undefined =
    program === undefined
      ? undefined
      : {
          name: `ipykernel ${askPython(program, "import ipykernel; print(ipykernel.__version__)")}`,
          command: (file) => [program, "-m", "ipykernel_launcher", "-f", file],
          ...python,
        };
  const contestants = [ours, tslab, ...(ipykernel ? [ipykernel] : [])];
  const runs: Record<string, Figures[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < context.rounds; round++) {
    for (const contestant of contestants) runs[contestant.name]!.push(await measure(contestant));
    context.say(`kernels: round ${round + 1} of ${context.rounds}`);
  }
  const rows = (name?: string): BenchRow[] =>
    figures.map((what) => ({
      what,
      unit: "ms",
      ours: runs[ours.name]!.map((run) => run[what]),
      peer: name === undefined ? [] : runs[name]!.map((run) => run[what]),
    }));
  const table = (peer: BenchTable["peer"], name?: string): BenchTable => ({
    title: "Kernel round trip",
    peer,
    rows: rows(name),
  });
  return [
    table({ name: tslab.name }, tslab.name),
    ipykernel
      ? table({ name: ipykernel.name }, ipykernel.name)
      : table({ missing: "no Python with ipykernel was found: pip install ipykernel and --python PATH." }),
  ];
};

/** Starts a kernel in the package's folder (where tslab finds its types), asks it everything, and ends it. */
async function measure({ command, declare, object }: Contestant): Promise<Figures> {
  const connection = await createConnection();
  const file = await writeConnectionFile(connection);
  const [program, ...args] = command(file);
  const start = performance.now();
  const child = spawn(program!, args, { cwd: dirname(dirname(commandFile)), stdio: "ignore" });
  const exited = once(child, "exit");
  const client = new KernelClient(connection);
  try {
    await client.ready();
    const ready = performance.now() - start;
    await execute(client, "1 + 1");
    const first = performance.now() - start;
    const repeat = async (work: (i: number) => Promise<unknown>) => {
      const times: number[] = [];
      for (let i = 0; i < cells; i++) times.push(1000 * (await seconds(() => work(i))));
      return median(times);
    };
    const sum = await repeat(() => execute(client, "1 + 1"));
    const declaration = await repeat((i) => execute(client, declare(i)));
    await execute(client, object);
    const code = "model.tr";
    const complete = () => client.request("shell", "complete_request", { code, cursor_pos: code.length });
    const { content } = await complete();
    if (!String(content.matches).includes("train")) throw new Error(`No completion: ${JSON.stringify(content)}`);
    return {
      "start to ready": ready,
      "start to first result": first,
      "1 + 1": sum,
      "cell with two declarations": declaration,
      "completion of model.tr": await repeat(complete),
    };
  } finally {
    client.close();
    child.kill("SIGKILL");
    await exited;
    await rm(file, { force: true });
  }
}

async function execute(client: KernelClient, code: string): Promise<void> {
  const message = client.message("execute_request", {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
  });
  const { msg_id } = message.header;
  const idle = new Promise<void>((resolve) => {
    const stop = client.onMessage(({ channel, header, parent_header, content }) => {
      if (channel !== "iopub" || header.msg_type !== "status" || parent_header.msg_id !== msg_id) return;
      if (content.execution_state !== "idle") return;
      stop();
      resolve();
    });
  });
  const reply = await client.ask("shell", message, 60_000);
  if (reply.content.status !== "ok") throw new Error(`A cell failed: ${JSON.stringify(reply.content)}`);
  await idle;
}
