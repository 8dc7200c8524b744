import { spawnSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import type { KernelClient } from "../../kernel/protocol/index.ts";
import {
  type Contestant,
  execute,
  ipykernel,
  ours,
  residentMemory,
  type StartedKernel,
  send,
  start,
  tslab,
} from "./kernels.ts";
import { type Bench, type BenchRow, type BenchTable, median, seconds, type Unit } from "./measure.ts";

/** What is measured, in the order of the table. */
const figures: Readonly<Record<string, Unit>> = {
  "start to ready": "ms",
  "start to first result": "ms",
  "1 + 1": "ms",
  "cell with two declarations, the first 20": "ms",
  "the same, the 100th (91st to 110th)": "ms",
  "1 + 1 after 180 cells": "ms",
  "completion of model.tr": "ms",
  "inspection of model": "ms",
  "interrupt of while (true)": "ms",
  "memory when all is loaded": "MiB",
  "memory grown over 180 cells": "MiB",
};
type Figures = Record<string, number>;

/** The loop of the figure "counted loop": as a cell, and as a module of plain node. */
const loop = "let total = 0;\nfor (let i = 0; i < 100_000_000; i++) total += i & 3;\n";
const timed = `const begin = performance.now();\n${loop}console.log(performance.now() - begin, total);`;

/** Time from a request until its reply and the idle status are here; start, memory; a loop beside plain node. */
export const bench: Bench = async (context) => {
  const peers = [tslab, ipykernel(context)].filter((peer) => peer !== undefined);
  const contestants = [ours, ...peers];
  const runs: Record<string, Figures[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  const loops: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round < context.rounds; round++) {
    for (const contestant of contestants) {
      const run = await measure(contestant);
      if (run) runs[contestant.name]!.push(run);
      else
        context.say(`kernels: ${contestant.name} stopped answering in round ${round + 1}, which does not count for it`);
    }
    loops.ours.push(await loopInCell());
    loops.peer.push(loopInNode());
    context.say(`kernels: round ${round + 1} of ${context.rounds}`);
  }
  const rows = (peer?: Contestant): BenchRow[] =>
    Object.entries(figures).map(([what, unit]) => {
      const of = (name: string) => runs[name]!.map((run) => run[what]!).filter((value) => !Number.isNaN(value));
      return { what, unit, ours: of(ours.name), peer: peer ? of(peer.name) : [] };
    });
  const tables: BenchTable[] = peers.map((peer) => ({
    title: "Kernel round trip",
    peer: { name: peer.name },
    rows: rows(peer),
  }));
  if (peers.length < 2) {
    const missing = "no Python with ipykernel was found: pip install ipykernel and --python PATH.";
    tables.push({ title: "Kernel round trip", peer: { missing }, rows: rows() });
  }
  const row: BenchRow = { what: "10^8 additions in a counted loop", unit: "ms", ...loops };
  return [
    ...tables,
    { title: "A loop in a cell", peer: { name: `the same lines in node ${process.version}` }, rows: [row] },
  ];
};

/** A kernel that has not answered everything by then has stopped answering: tslab now and then. */
const runLimitMs = 60_000;

/** Starts a kernel, asks it everything, and ends it. Undefined for one that stopped answering. */
async function measure(contestant: Contestant): Promise<Figures | undefined> {
  const kernel = await start(contestant);
  const limit = new AbortController();
  try {
    return await Promise.race([
      askAll(contestant, kernel),
      setTimeout(runLimitMs, undefined, { signal: limit.signal }),
    ]);
  } finally {
    limit.abort();
    await kernel.stop();
  }
}

async function askAll(contestant: Contestant, kernel: StartedKernel): Promise<Figures> {
  const { client } = kernel;
  await execute(client, "1 + 1");
  const first = performance.now() - kernel.begin;
  // All that loads beside the first cell, a type checker for example, is there once a completion was answered.
  await client.request("shell", "complete_request", { code: "abs", cursor_pos: 3 });
  const readyMemory = residentMemory(kernel.pid) ?? Number.NaN;
  const sum = await repeat(40, () => execute(client, "1 + 1"));
  const early = await repeat(20, (i) => execute(client, contestant.declare(i)));
  for (let i = 20; i < 90; i++) await execute(client, contestant.declare(i));
  const late = await repeat(20, (i) => execute(client, contestant.declare(90 + i)));
  for (let i = 110; i < 139; i++) await execute(client, contestant.declare(i));
  await execute(client, contestant.object);
  const after = await repeat(10, () => execute(client, "1 + 1"));
  const grown = (residentMemory(kernel.pid) ?? Number.NaN) - readyMemory;
  return {
    "start to ready": kernel.readyMs,
    "start to first result": first,
    "1 + 1": sum,
    "cell with two declarations, the first 20": early,
    "the same, the 100th (91st to 110th)": late,
    "1 + 1 after 180 cells": after,
    "completion of model.tr": await completion(client),
    "inspection of model": await inspection(client),
    "interrupt of while (true)": await interruption(contestant, kernel),
    "memory when all is loaded": readyMemory,
    "memory grown over 180 cells": grown,
  };
}

async function repeat(times: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) taken.push(1000 * (await seconds(() => work(i))));
  return median(taken);
}

async function completion(client: KernelClient): Promise<number> {
  const code = "model.tr";
  const ask = () => client.request("shell", "complete_request", { code, cursor_pos: code.length });
  const { content } = await ask();
  if (!String(content.matches).includes("train")) throw new Error(`No completion: ${JSON.stringify(content)}`);
  return repeat(40, ask);
}

async function inspection(client: KernelClient): Promise<number> {
  const ask = () => client.request("shell", "inspect_request", { code: "model", cursor_pos: 5, detail_level: 0 });
  const { content } = await ask();
  if (content.found !== true) throw new Error(`Nothing found: ${JSON.stringify(content)}`);
  return repeat(40, ask);
}

/** A kernel that has not stopped a cell by then does not do it at all: tslab now and then. */
const interruptLimitMs = 10_000;

/** From the interrupt until the cell's reply and the idle status are here; NaN for a kernel that went on once. */
async function interruption(
  { spin, byMessage }: Contestant,
  { client, pid }: { client: KernelClient; pid: number },
): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < 5; i++) {
    const { printed, done } = send(client, spin);
    // tslab's output waits for the end of synchronous code.
    await Promise.race([printed, setTimeout(500)]);
    const begin = performance.now();
    if (byMessage) void client.request("control", "interrupt_request", {}).catch(() => undefined);
    else process.kill(pid, "SIGINT");
    const hasStopped = await Promise.race([done.then(() => true), setTimeout(interruptLimitMs, false)]);
    if (!hasStopped) return Number.NaN;
    taken.push(performance.now() - begin);
  }
  return median(taken);
}

/** Milliseconds of the loop in a cell of a kernel of its own. */
async function loopInCell(): Promise<number> {
  const kernel = await start(ours);
  try {
    let text = "";
    const stop = kernel.client.onMessage(({ header, content }) => {
      if (header.msg_type === "stream") text += content.text;
    });
    await execute(kernel.client, timed);
    stop();
    return Number(text.split(" ")[0]);
  } finally {
    await kernel.stop();
  }
}

/** The same in a module of a node process of its own. */
function loopInNode(): number {
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", timed], { encoding: "utf8" });
  return Number(stdout.split(" ")[0]);
}
