import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { InfrastructureError } from "../../src/base/errors.ts";
import { PythonInterpreter } from "../../src/index.ts";
import { askPython, type Bench, type BenchRow, type BenchTable, interleave, seconds } from "./measure.ts";

const run = promisify(execFile);

/** How a policy uses an interpreter: engine, isolation, and how many snippets a round has time for. */
const modes = [
  { engine: "jail", isolation: "snippet", snippets: 200, what: "jail" },
  { engine: "pyodide", isolation: "pooled", snippets: 400, what: "Pyodide, pooled" },
  { engine: "pyodide", isolation: "rollout", snippets: 12, what: "Pyodide, a process per rollout of 3 snippets" },
  { engine: "pyodide", isolation: "snippet", snippets: 6, what: "Pyodide, a process per snippet" },
] as const;

const snippetsPerRollout = 3;
const snippet = (i: number) => `import math\nprint(math.comb(${10 + (i % 20)}, 3) * 456)`;
const expected = (i: number) => {
  const n = 10 + (i % 20);
  return `${((n * (n - 1) * (n - 2)) / 6) * 456}\n`;
};

/** Snippets per second, all asked for at once; the peer starts a python3 process, without any jail, for each. */
export const bench: Bench = async (context) => {
  const python = context.python();
  const rows: BenchRow[] = [];
  const absent: string[] = [];
  for (const { engine, isolation, snippets, what } of modes) {
    let interpreter: PythonInterpreter;
    try {
      interpreter = await PythonInterpreter.start({ engine, isolation, lanes: context.threads });
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      absent.push(`${what}: ${error.message}`);
      continue;
    }
    const ours = () =>
      rate(snippets, async (i) => {
        const rolloutId = String(Math.floor(i / snippetsPerRollout));
        const { status, stdout } = await interpreter.run(snippet(i), { rolloutId });
        if (status !== "ok" || stdout !== expected(i)) throw new Error(`${what}: ${status}, ${stdout}`);
      });
    const peer = () => processRate(python!, context.threads, 40);
    try {
      await ours(); // every lane has worked once
      const values = python
        ? await interleave(context, what, { ours, peer })
        : { ...(await interleave(context, what, { ours })), peer: [] };
      rows.push({ what, unit: "snippets/s", ...values });
    } finally {
      await interpreter.close();
    }
  }
  const peer: BenchTable["peer"] = python
    ? { name: `a process of ${askPython(python, "import sys; print(f'Python {sys.version.split()[0]}')")} per snippet` }
    : { missing: "no python3 was found. Install it, or name one with --python PATH." };
  return [{ title: `Snippets per second, ${context.threads} at a time`, peer, rows, notes: absent }];
};

async function rate(snippets: number, work: (i: number) => Promise<void>): Promise<number> {
  return snippets / (await seconds(() => Promise.all(Array.from({ length: snippets }, (_, i) => work(i)))));
}

function processRate(python: string, lanes: number, snippets: number): Promise<number> {
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < snippets; i = next++) {
      const { stdout } = await run(python, ["-I", "-c", snippet(i)]);
      if (stdout !== expected(i)) throw new Error(`python3 printed ${stdout}`);
    }
  };
  return seconds(() => Promise.all(Array.from({ length: lanes }, lane))).then((time) => snippets / time);
}
