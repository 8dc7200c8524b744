import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { InvalidInputError, LabError } from "../base/errors.ts";
import { displaySymbol, formatBytes, formatNumber } from "../display/index.ts";
import { diffRuns } from "../interop/index.ts";
import {
  type CommandInput,
  type LockOwner,
  listRuns,
  lockOwner,
  Run,
  runSize,
  sendCommand,
  standingOf,
  stepsOf,
  type Timeline,
  waitForAnswer,
} from "../recording/index.ts";
import { findRun } from "./find-run.ts";

const usage = `Usage: cirlab runs list [--folder runs]
       cirlab runs show RUN
       cirlab runs diff RUN OTHER | cirlab runs diff RUN --paper NAME
       cirlab runs remove RUN... [--force]
       cirlab runs pause | resume | stop RUN
       cirlab runs step RUN [COUNT]
       cirlab runs set RUN name=value...
       cirlab runs mark RUN LABEL
       cirlab runs rewind RUN STEP
       cirlab runs hold RUN
       cirlab runs intervene RUN STEP GROUP/SAMPLE write TOKEN TEXT [--end]
       cirlab runs intervene RUN STEP GROUP/SAMPLE code | output TURN TEXT

Looks at the runs of a folder, and steers those that are being trained, from any process.
  RUN              a run's id, the unique beginning of one, or its folder
  --paper NAME     what to compare with: a recipe's name or a paper's id (cir, arXiv:2505.24480)
  --folder FOLDER  where the runs lie (default: runs)
  --force          remove also a run that is being trained
  --timeout S      seconds to wait for the training's answer: it comes between two steps (default: 120)
  --end            the rollout ends after TEXT; else the policy goes on
"hold" collects the next step's rollouts and waits before the update; "intervene" changes one of them: TEXT in place of the
tokens from TOKEN on, or the code or the output of its TURNth call. What was written is not trained on.
Values of "set" are JSON where they can be, else text: clipRatioHigh=0.4 maxToolCalls=[[0,2],[100,3]] klForm=k2

Exit code: 0 done; 1 it could not be done, or the training refused; 2 the arguments cannot be used.`;

interface Options {
  readonly folder: string;
  readonly force: boolean;
  readonly timeoutMs: number;
  readonly paper: string | undefined;
  readonly end: boolean;
}

type Action = (args: string[], options: Options) => Promise<number>;

const actions: Readonly<Record<string, Action>> = {
  list: listAction,
  diff: diffAction,
  show: async ([run], options) => showAction(await findRun(run, options.folder)),
  remove: removeAction,
  pause: steer(() => ({ type: "pause" })),
  resume: steer(() => ({ type: "resume" })),
  stop: steer(() => ({ type: "stop" })),
  step: steer(([count = "1"]) => ({ type: "step", count: Number(count) })),
  set: steer((values) => ({ type: "set", values: settings(values) })),
  rewind: steer(([step = ""]) => ({ type: "rewind", step: step === "" ? Number.NaN : Number(step) })),
  hold: steer(() => ({ type: "hold" })),
  intervene: steer(interveneCommand),
  mark: steer(([label]) => ({ type: "checkpoint", label: label ?? "" })),
};

/** `cirlab runs`: runs on disk. */
export async function main(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        folder: { type: "string", default: "runs" },
        force: { type: "boolean", default: false },
        timeout: { type: "string", default: "120" },
        paper: { type: "string" },
        end: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    const [name = "list", ...args] = positionals;
    if (values.help) {
      console.log(usage);
      return 0;
    }
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action) throw new InvalidInputError(`Unknown action "${name}".`);
    const timeoutMs = Number(values.timeout) * 1000;
    if (!(timeoutMs > 0)) throw new InvalidInputError(`--timeout takes seconds, was ${values.timeout}.`);
    const { folder, force, paper, end } = values;
    return await action(args, { folder, force, timeoutMs, paper, end });
  } catch (error) {
    const isUsage = error instanceof InvalidInputError || error instanceof TypeError;
    console.error(`cirlab runs: ${(error as Error).message}${isUsage ? `\n\n${usage}` : ""}`);
    if (isUsage) return 2;
    if (error instanceof LabError) return 1;
    throw error;
  }
}

/** How a run stands: its events tell, and whether anybody still trains it. */
function stateOf(timeline: Timeline, owner: LockOwner | undefined): string {
  const standing = standingOf(timeline, owner !== undefined);
  if (owner) return `${standing} (process ${owner.pid})`;
  return standing === "failed" ? `failed: ${timeline.error}` : standing;
}

async function listAction(_: string[], { folder }: Options): Promise<number> {
  const rows: string[][] = [];
  for (const entry of await listRuns(folder)) {
    const id = basename(entry.folder);
    if ("problem" in entry) {
      rows.push([id, "damaged", "", "", entry.problem]);
      continue;
    }
    const run = await Run.open(entry.folder);
    const events = await run.events();
    const timeline = await run.timeline();
    const last = stepsOf(events).at(-1)?.metrics ?? {};
    const told = ["reward", "loss"].find((name) => last[name] != null);
    const size = formatBytes(await runSize(entry.folder));
    const state = stateOf(timeline, await lockOwner(entry.folder));
    rows.push([id, state, `step ${timeline.step}`, told ? `${told} ${formatNumber(last[told]!, 3)}` : "", size]);
  }
  if (!rows.length) console.log(`No runs in ${folder}.`);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  return 0;
}

async function showAction(folder: string): Promise<number> {
  const run = await Run.open(folder);
  const [events, timeline, owner] = [await run.events(), await run.timeline(), await lockOwner(folder)];
  const { id, createdAt, seed, versions, parent, config } = run.config;
  const lines: [string, string][] = [
    ["run", id],
    ["folder", folder],
    ["made", createdAt],
    ["state", stateOf(timeline, owner)],
    ["steps", `${timeline.step}${timeline.start ? `, from ${timeline.start}` : ""}`],
    ["seed", String(seed ?? "")],
    [
      "versions",
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ...(parent ? [["parent", `${parent.id} at step ${parent.step}`] satisfies [string, string]] : []),
    ["size", formatBytes(await runSize(folder))],
    ["checkpoints", (await run.validCheckpoints()).map(({ step }) => step + mark(timeline, step)).join(", ") || "none"],
    ["alerts", String(timeline.alerts)],
    ...timeline.changes.map(
      ({ step, changes }) => [`after ${step}`, JSON.stringify(changes)] satisfies [string, string],
    ),
    ...Object.entries(stepsOf(events).at(-1)?.metrics ?? {}).map(
      ([name, value]) => [name, value === null ? "not a number" : formatNumber(value)] satisfies [string, string],
    ),
    ["settings", JSON.stringify(config)],
  ];
  for (const [what, value] of lines) console.log(`${what.padEnd(20)} ${value}`);
  return 0;
}

async function diffAction([name, other]: string[], { folder, paper }: Options): Promise<number> {
  if ((other === undefined) === (paper === undefined))
    throw new InvalidInputError("Compare with what? Name another run, or --paper.");
  const run = await findRun(name, folder);
  const diff = paper === undefined ? await diffRuns(run, await findRun(other, folder)) : await diffRuns(run, { paper });
  console.log(diff[displaySymbol]()["text/plain"]);
  return 0;
}

const mark = (timeline: Timeline, step: number): string => {
  const label = timeline.marked.get(step);
  return label === undefined ? "" : ` (${label})`;
};

async function removeAction(names: string[], options: Options): Promise<number> {
  if (!names.length) throw new InvalidInputError("Which run? Its id is missing.");
  const folders: string[] = [];
  for (const name of names) {
    const folder = await findRun(name, options.folder);
    // What is no run at all is never removed; a damaged one may be.
    await stat(join(folder, "config.json")).catch(() => {
      throw new LabError(`${folder} is not the folder of a run: it has no config.json.`, { code: "recording" });
    });
    const owner = await lockOwner(folder);
    if (owner && !options.force)
      throw new LabError(
        `Run ${basename(folder)} is being trained by process ${owner.pid}; nothing was removed. Stop it first, or say --force.`,
        { code: "recording" },
      );
    folders.push(folder);
  }
  for (const folder of folders) {
    await rm(folder, { recursive: true, force: true });
    console.log(`removed ${folder}`);
  }
  return 0;
}

/** Sends a command to a run that is being trained, and tells what its training says. */
function steer(commandOf: (args: string[], options: Options) => CommandInput): Action {
  return async ([name, ...args], options) => {
    const folder = await findRun(name, options.folder);
    const run = await Run.open(folder);
    const command = commandOf(args, options);
    if (!(await lockOwner(folder))) {
      const state = stateOf(await run.timeline(), undefined);
      throw new LabError(`Run ${run.id} is not being trained (${state}): nobody would hear "${command.type}".`, {
        code: "recording",
      });
    }
    const id = await sendCommand(folder, command, { by: `cirlab runs, process ${process.pid}` });
    const answer = await waitForAnswer(folder, id, AbortSignal.timeout(options.timeoutMs));
    if (!answer)
      throw new LabError(
        `No answer from run ${run.id} within ${options.timeoutMs / 1000} s; the command waits for its next step.`,
        { code: "recording" },
      );
    if (answer.type === "command-refused") {
      console.error(`cirlab runs: refused after step ${answer.step}: ${answer.text}`);
      return 1;
    }
    console.log(`${command.type}: obeyed after step ${answer.step}`);
    return 0;
  };
}

/** `name=value` as settings; values are JSON where they can be. */
export function settings(args: readonly string[]): Record<string, never> {
  if (!args.length) throw new InvalidInputError("What is to be set? For example: clipRatioHigh=0.4");
  const pairs = args.map((arg) => {
    const at = arg.indexOf("=");
    if (at < 1) throw new InvalidInputError(`"${arg}" is not name=value.`);
    const text = arg.slice(at + 1);
    try {
      return [arg.slice(0, at), JSON.parse(text) as unknown];
    } catch {
      return [arg.slice(0, at), text];
    }
  });
  return Object.fromEntries(pairs) as Record<string, never>;
}

/** `STEP GROUP/SAMPLE write TOKEN TEXT`, or a turn in place of the token. */
function interveneCommand([step, place = "", kind = "", at, text]: string[], { end }: Options): CommandInput {
  const [, group, sample] = /^(\d+)\/(\d+)$/.exec(place) ?? [];
  if (step === undefined || group === undefined || at === undefined || text === undefined)
    throw new InvalidInputError("What is to be changed? For example: intervene RUN 5 0/2 output 1 42");
  const numbers = { step: Number(step), group: Number(group), sample: Number(sample) };
  switch (kind) {
    case "write":
      return {
        type: "intervene",
        ...numbers,
        edit: { kind, token: Number(at), text, next: end ? "end" : "continue" },
      };
    case "code":
    case "output":
      return { type: "intervene", ...numbers, edit: { kind, turn: Number(at), text } };
    default:
      throw new InvalidInputError(`A rollout's "${kind}" cannot be changed: write, code or output.`);
  }
}
