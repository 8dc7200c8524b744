import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchContext, type BenchTable, median, seconds, type Unit } from "./measure.ts";
import { jupyterServer, loadKernel, ours, type ServerContestant, type StartedServer, start } from "./servers.ts";

type Figures = Record<string, number>;

const units: Readonly<Record<string, Unit>> = {
  "list a folder of 50 files": "ms",
  "open a notebook of 100 kB": "ms",
  "save a notebook of 100 kB": "ms",
  "open a notebook of 50 MB": "ms",
  "save a notebook of 50 MB": "ms",
  "longest wait of another request meanwhile": "ms",
  sessions: "ms",
  kernelspecs: "ms",
  "messages of a kernel to one page": "messages/s",
  "echo of an execute_request": "ms",
};

/** REST latency and websocket throughput, ours and jupyter_server's in turn. */
export async function contest(context: BenchContext): Promise<BenchTable> {
  const peer = jupyterServer(context);
  const runs: { ours: Figures[]; peer: Figures[] } = { ours: [], peer: [] };
  for (let round = 0; round < context.rounds; round++) {
    runs.ours.push(await measure(ours));
    if (peer) runs.peer.push(await measure(peer));
    context.say(`servers: round ${round + 1} of ${context.rounds}`);
  }
  const of = (figures: Figures[], what: string) => figures.map((each) => each[what]!);
  return {
    title: "Server: REST and websockets",
    peer: peer
      ? { name: peer.name }
      : { missing: "no Python with jupyter_server was found: pip install jupyter_server ipykernel and --python PATH." },
    rows: Object.entries(units).map(([what, unit]) => ({
      ...{ what, unit, ours: of(runs.ours, what) },
      peer: of(runs.peer, what),
    })),
  };
}

async function measure(contestant: ServerContestant): Promise<Figures> {
  const server = await start(contestant);
  try {
    await fill(server.root);
    return { ...(await rest(server)), ...(await large(server)), ...(await sockets(server)) };
  } finally {
    await server.stop();
  }
}

async function fill(root: string): Promise<void> {
  await mkdir(join(root, "folder"));
  for (let i = 0; i < 50; i++) await writeFile(join(root, "folder", `file-${i}.txt`), `text ${i}\n`);
  await writeFile(join(root, "small.ipynb"), JSON.stringify(notebook(20, 5_000)));
}

/** A notebook with outputs of `size` characters in each of its cells. */
function notebook(cells: number, size: number): object {
  const line = `${"0123456789".repeat(9)}\n`;
  const text = line.repeat(Math.ceil(size / line.length));
  const cell = (i: number) => ({
    ...{ cell_type: "code", execution_count: i, id: `cell${i}`, metadata: {}, source: `print(${i})` },
    outputs: [{ output_type: "stream", name: "stdout", text }],
  });
  return {
    cells: Array.from({ length: cells }, (_, i) => cell(i)),
    metadata: { kernelspec: { name: loadKernel, display_name: "Load", language: "none" } },
    ...{ nbformat: 4, nbformat_minor: 5 },
  };
}

const saved = (content: object): string => JSON.stringify({ type: "notebook", format: "json", content });

async function rest(server: StartedServer): Promise<Figures> {
  const body = saved(notebook(20, 5_000));
  return {
    "list a folder of 50 files": await latency(() => server.ask("GET", "/api/contents/folder")),
    "open a notebook of 100 kB": await latency(() => server.ask("GET", "/api/contents/small.ipynb?type=notebook")),
    "save a notebook of 100 kB": await latency(() => server.ask("PUT", "/api/contents/small.ipynb", body)),
    kernelspecs: await latency(() => server.ask("GET", "/api/kernelspecs")),
  };
}

/** Median of 40 requests one after the other, the first few not counted. */
async function latency(ask: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = -5; i < 40; i++) {
    const ms = 1000 * (await seconds(ask));
    if (i >= 0) taken.push(ms);
  }
  return median(taken);
}

async function large(server: StartedServer): Promise<Figures> {
  const body = saved(notebook(500, 100_000));
  const waits: number[] = [];
  let isDone = false;
  const others = (async () => {
    while (!isDone) waits.push(1000 * (await seconds(() => server.ask("GET", "/api/status"))));
  })();
  const save = 1000 * (await seconds(() => server.ask("PUT", "/api/contents/large.ipynb", body)));
  const path = "/api/contents/large.ipynb?type=notebook";
  const open = 1000 * (await seconds(async () => check((await server.ask("GET", path)).length >= 50e6)));
  isDone = true;
  await others;
  return {
    "open a notebook of 50 MB": open,
    "save a notebook of 50 MB": save,
    "longest wait of another request meanwhile": Math.max(...waits),
  };
}

const messages = 20_000;

async function sockets(server: StartedServer): Promise<Figures> {
  const session = { path: "small.ipynb", name: "small", type: "notebook", kernel: { name: loadKernel } };
  const { kernel } = JSON.parse(await server.ask("POST", "/api/sessions", session)) as { kernel: { id: string } };
  const channels = await server.channels(kernel.id);
  let count = 0;
  channels.listen(({ header }) => {
    if (header.msg_type === "stream") count++;
  });
  await channels.execute("100");
  const echo = await latency(() => channels.execute("0"));
  const sessions = await latency(() => server.ask("GET", "/api/sessions"));
  count = 0;
  const taken = await seconds(async () => {
    await channels.execute(String(messages));
    // jupyter_server passes the reply on before the output that came first.
    while (count < messages) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  channels.close();
  await server.ask("DELETE", `/api/kernels/${kernel.id}`);
  return {
    sessions,
    "echo of an execute_request": echo,
    "messages of a kernel to one page": messages / taken,
  };
}

function check(isRight: boolean): void {
  if (!isRight) throw new Error("The server answered something else than it was given.");
}
