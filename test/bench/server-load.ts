import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchContext, type BenchTable, median, seconds } from "./measure.ts";
import { type Channels, ours, type StartedServer, start } from "./servers.ts";

const notebooks = 20;
const linesASecond = 1000;
const secondsOfLoad = 10;

/** Prints numbered lines beside the cells that run, a thousand a second, and says when it has ended. */
const printing = `
const total = ${linesASecond * secondsOfLoad}, begin = performance.now();
let printed = 0;
const printer = setInterval(() => {
  const due = Math.min(total, Math.floor((performance.now() - begin) * ${linesASecond / 1000}));
  while (printed < due) console.log(\`line \${printed++} of a training that tells what it does\`);
  if (printed === total) clearInterval(printer);
}, 10);
undefined`;

/** Twenty open notebooks, each with a kernel of this package that prints a thousand lines a second. */
export async function load(context: BenchContext): Promise<BenchTable> {
  const echoes: number[] = [];
  const slowest: number[] = [];
  let lost = 0;
  const rounds = Math.min(context.rounds, 3);
  for (let round = 0; round < rounds; round++) {
    const server = await start(ours);
    try {
      const open = await openAll(server, context);
      const result = await underLoad(open);
      echoes.push(median(result.echoes));
      slowest.push(result.echoes.toSorted((a, b) => a - b)[Math.floor(result.echoes.length * 0.95)]!);
      lost += result.lost;
      for (const channels of open) channels.close();
    } finally {
      await server.stop();
    }
    context.say(`load: round ${round + 1} of ${rounds}`);
  }
  const asked = echoes.map(() => 50);
  return {
    title: `${notebooks} notebooks open, each with a kernel that prints ${linesASecond} lines a second for ${secondsOfLoad} s`,
    peer: { name: "asked" },
    rows: [
      { what: "echo of an execute_request in them, median", unit: "ms", ours: echoes, peer: asked },
      { what: "the same, 95th percentile", unit: "ms", ours: slowest, peer: [] },
      { what: "lines lost in all rounds together", unit: "lines", ours: [lost], peer: [] },
    ],
  };
}

async function openAll(server: StartedServer, context: BenchContext): Promise<Channels[]> {
  const open: Channels[] = [];
  for (let i = 0; i < notebooks; i++) {
    const path = `load-${i}.ipynb`;
    await writeFile(join(server.root, path), '{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}');
    const session = { path, name: path, type: "notebook", kernel: { name: "cirlab" } };
    const { kernel } = JSON.parse(await server.ask("POST", "/api/sessions", session)) as { kernel: { id: string } };
    const channels = await server.channels(kernel.id);
    await channels.execute("1 + 1");
    open.push(channels);
  }
  context.say(`load: ${notebooks} kernels run`);
  return open;
}

async function underLoad(open: readonly Channels[]): Promise<{ echoes: number[]; lost: number }> {
  const total = linesASecond * secondsOfLoad;
  const texts = open.map(() => "");
  open.forEach((channels, i) => {
    channels.listen(({ header, content }) => {
      if (header.msg_type === "stream") texts[i] += String(content.text);
    });
  });
  await Promise.all(open.map((channels) => channels.execute(printing)));
  const echoes: number[] = [];
  const end = Date.now() + secondsOfLoad * 1000 - 500;
  for (let i = 0; Date.now() < end; i++) {
    echoes.push(1000 * (await seconds(() => open[i % open.length]!.execute("1 + 1"))));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // A kernel that had no processor is late, not silent.
  const limit = Date.now() + 60_000;
  const isAllThere = () => texts.every((text) => text.includes(`line ${total - 1} of`));
  while (!isAllThere() && Date.now() < limit) await new Promise((resolve) => setTimeout(resolve, 50));
  return { echoes, lost: texts.reduce((sum, text) => sum + missing(text, total), 0) };
}

/** How many of the numbered lines are not there, or not in their place. */
function missing(text: string, total: number): number {
  const found = text
    .split("\n")
    .flatMap((line) => /^line (\d+) of a training that tells what it does$/.exec(line)?.[1] ?? []);
  const inPlace = found.filter((number, i) => Number(number) === i).length;
  return total - inPlace;
}
