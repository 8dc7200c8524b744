import { InfrastructureError } from "../../src/base/errors.ts";
import { Interpreter, type InterpreterOptions } from "../../src/interpreter/interpreter.ts";
import type { CodeInterpreter } from "../../src/interpreter/types.ts";
import { type Pace, pace, paceRows, type Runner, type Snippet } from "./callers.ts";
import { bubblewrapPeer, ipykernelPeer, type Peer, processPeer, subprocessPeer } from "./interpreter-peers.ts";
import type { Bench, BenchContext, BenchTable } from "./measure.ts";
import { sleeperTable } from "./sleeper.ts";

const print = (i: number): Snippet => ({ code: `print(123 * 456 + ${i})`, stdout: `${123 * 456 + i}\n` });
const symbolic = (i: number): Snippet => {
  const n = 2 + (i % 50);
  const code = `from sympy import expand, symbols\nx = symbols("x")\nprint(expand((x + ${n}) ** 2))`;
  return { code, stdout: `x**2 + ${2 * n}*x + ${n * n}\n` };
};

const log = (i: number): Snippet => ({ code: `console.log(123 * 456 + ${i})`, stdout: `${123 * 456 + i}\n` });

const snippetsPerRollout = 3;
/** How long each contestant is asked for snippets in a round. Milliseconds. */
const turnMs = 1500;

interface Contestant {
  readonly what: string;
  readonly runner: Runner;
  /** Prints a product, in its own language. */
  readonly print: (i: number) => Snippet;
  readonly prints: Pace[];
  /** Undefined where it has no sympy. */
  readonly symbolic?: Pace[];
}

/** How a policy uses our interpreters. */
const engines: readonly { what: string; options: InterpreterOptions }[] = [
  { what: "jail, numpy and sympy loaded", options: { engine: "jail", profile: "scientific" } },
  { what: "jail, bare", options: { engine: "jail", profile: "bare" } },
  { what: "Pyodide, pooled", options: { engine: "pyodide", isolation: "pooled" } },
  { what: "Pyodide, a process per rollout of 3 snippets", options: { engine: "pyodide", isolation: "rollout" } },
  { what: "QuickJS, TypeScript", options: { engine: "quickjs", language: "typescript" } },
];

/** Our engines and what others use, as many callers as lanes, in turn; then the cost of a slow snippet to others. */
export const bench: Bench = async (context) => {
  const notes: string[] = [];
  const ours: (Contestant & { interpreter: CodeInterpreter })[] = [];
  const peers: Contestant[] = [];
  try {
    for (const { what, options } of engines) {
      const started = await startEngine(what, options, context).catch((error: unknown) => {
        if (!(error instanceof InfrastructureError)) throw error;
        notes.push(`${what}: ${error.message}`);
      });
      if (started) ours.push(started);
    }
    for (const peer of await findPeers(context, notes))
      peers.push({
        what: peer.name,
        runner: await peer.start(),
        print,
        prints: [],
        ...(peer.sympy && { symbolic: [] }),
      });
    await takeTurns(context, [...ours, ...peers]);
    const tables = speedTables(context, ours, peers, notes);
    const jail = ours.find(({ interpreter }) => interpreter.engine === "jail");
    return jail ? [...tables, await sleeperTable(context, jail.interpreter, print)] : tables;
  } finally {
    await Promise.all([...ours, ...peers].map(({ runner }) => runner.close()));
  }
};

async function startEngine(what: string, options: InterpreterOptions, { threads }: BenchContext) {
  const interpreter = await Interpreter.start({ ...options, lanes: threads });
  const asked: number[] = Array(threads).fill(0);
  const runner: Runner = {
    async run(code, caller) {
      const rolloutId = `${caller}/${Math.floor(asked[caller]!++ / snippetsPerRollout)}`;
      const { status, stdout, stderr } = await interpreter.run(code, { rolloutId, timeoutMs: 30_000 });
      if (status !== "ok") throw new Error(`${what}: ${status}, ${stderr}`);
      return stdout;
    },
    close: () => interpreter.close(),
  };
  const sympy = options.profile !== "bare" && interpreter.packages.some((name) => name.startsWith("sympy "));
  const ownPrint = interpreter.language === "python" ? print : log;
  return { what, interpreter, runner, print: ownPrint, prints: [], ...(sympy && { symbolic: [] }) };
}

async function findPeers(context: BenchContext, notes: string[]): Promise<Peer[]> {
  const python = context.python("sympy") ?? context.python();
  if (python === undefined) {
    notes.push("the peers: no python3 was found. Install it, or name one with --python PATH.");
    return [];
  }
  const bubblewrap = await bubblewrapPeer();
  if (!bubblewrap) notes.push("bubblewrap per snippet: /usr/bin/bwrap is missing or cannot make a jail here.");
  const ipykernel = ipykernelPeer(context);
  if (!ipykernel) notes.push("ipykernel: no Python has it. Install it, or name one with --python PATH.");
  return [processPeer(python), bubblewrap, subprocessPeer(python), ipykernel].filter((peer) => peer !== undefined);
}

async function takeTurns(context: BenchContext, contestants: readonly Contestant[]): Promise<void> {
  for (let round = 0; round < context.rounds; round++) {
    for (const { runner, print: own, prints, symbolic: expansions } of contestants) {
      if (round === 0) await pace(runner, own, context.threads, 0); // every lane has worked once
      prints.push(await pace(runner, own, context.threads, turnMs));
      expansions?.push(await pace(runner, symbolic, context.threads, turnMs));
    }
    context.say(`snippets: round ${round + 1} of ${context.rounds}`);
  }
}

const printing = "print of a product";
const expanding = "sympy imported, a square expanded";

/** All our engines beside the first peer, the jail beside the others. */
function speedTables(
  { threads }: BenchContext,
  ours: readonly Contestant[],
  peers: readonly Contestant[],
  notes: readonly string[],
): BenchTable[] {
  const title = `Snippets, ${threads} callers on ${threads} lanes`;
  const rows = (one: Contestant, peer?: Contestant) => [
    ...paceRows(`${one.what}: ${printing}`, one.prints, peer?.prints),
    ...(one.symbolic ? paceRows(`${one.what}: ${expanding}`, one.symbolic, peer?.symbolic) : []),
  ];
  const [first, ...others] = peers;
  if (!first) return [{ title, peer: { missing: "no peer is here." }, rows: ours.flatMap((one) => rows(one)), notes }];
  const jails = ours.filter(({ what }) => what.startsWith("jail"));
  return [
    { title, peer: { name: first.what }, rows: ours.flatMap((one) => rows(one, first)), notes },
    ...others.map((peer) => ({ title, peer: { name: peer.what }, rows: jails.flatMap((one) => rows(one, peer)) })),
  ];
}
