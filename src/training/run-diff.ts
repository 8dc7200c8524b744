import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { displaySymbol } from "../display/host.ts";
import { formatNumber, html, type MimeBundle, table } from "../display/index.ts";
import { type Run, stepsOf } from "../recording/index.ts";
import { type CodeDifference, codeDifferences } from "./code-diff.ts";
import { differing } from "./version-differences.ts";

/** Something that two runs do not have in common. */
export interface RunDifference {
  readonly what: string;
  /** Undefined where a run does not have it. */
  readonly a: unknown;
  readonly b: unknown;
}

/** A metric of the last steps of both runs. */
export interface FinalFigure {
  readonly metric: string;
  readonly a: number;
  readonly b: number;
  /** b - a. */
  readonly difference: number;
}

/** What two runs have not in common. */
export class RunDiff {
  /** The runs' ids. */
  readonly a: string;
  readonly b: string;
  /** Settings that they began with, and changes while they went on (`learningRate after step 3`). */
  readonly settings: readonly RunDifference[];
  readonly versions: readonly RunDifference[];
  /** What they were made of: seed, device, policy, weights at the start, interpreter, tasks, reward. */
  readonly parts: readonly RunDifference[];
  /** Code of the users' own in which they differ, with the difference as text. */
  readonly code: readonly CodeDifference[];
  /** The first step of both in which a metric differs, and which do; undefined where all steps of both are the same. */
  readonly first: { readonly step: number; readonly metrics: readonly RunDifference[] } | undefined;
  /** Steps that both have. */
  readonly commonSteps: number;
  /** Means over the last fifth of each run's steps. */
  readonly final: readonly FinalFigure[];

  constructor(data: Omit<RunDiff, typeof displaySymbol>) {
    this.a = data.a;
    this.b = data.b;
    this.settings = data.settings;
    this.versions = data.versions;
    this.parts = data.parts;
    this.code = data.code;
    this.first = data.first;
    this.commonSteps = data.commonSteps;
    this.final = data.final;
  }

  [displaySymbol](): MimeBundle {
    const { a, b, first, commonSteps } = this;
    const lists: [string, readonly RunDifference[]][] = [
      ["Settings", this.settings],
      ["Versions", this.versions],
      ["Parts", this.parts],
      [first ? `First different figures: step ${first.step}` : "Figures", first?.metrics ?? []],
    ];
    const same = lists.filter(([, list]) => !list.length).map(([title]) => title.toLowerCase());
    const bundles = [
      ...lists.flatMap(([caption, list]) =>
        list.length
          ? [
              table(
                list.map(({ what, a, b }) => ({ what, a: shown(a), b: shown(b) })),
                { caption },
              ),
            ]
          : [],
      ),
      ...(this.final.length
        ? [
            table(
              this.final.map(({ metric, a, b, difference }) => ({
                metric,
                a: formatNumber(a),
                b: formatNumber(b),
                "b - a": formatNumber(difference),
              })),
              {
                caption: "Means over the last fifth of the steps",
                align: { a: "right", b: "right", "b - a": "right" },
              },
            ),
          ]
        : []),
      ...this.code.map(codeBlock),
    ].map((part) => part[displaySymbol]() as MimeBundle);
    const names = `a: ${a}, b: ${b}; ${commonSteps} steps in common${same.length ? `; the same: ${same.join(", ")}` : ""}`;
    return {
      "text/plain": [names, ...bundles.map((part) => part["text/plain"])].join("\n\n"),
      "text/html": [`<p>${names.replaceAll("<", "&lt;")}</p>`, ...bundles.map((part) => part["text/html"])].join(""),
    };
  }
}

/** Lines of a difference in code that are shown. */
const maxLines = 80;

function codeBlock({ kind, name, diff }: CodeDifference): { [displaySymbol](): MimeBundle } {
  const title = `Code of the ${kind} ${name}`;
  const lines = diff.split("\n");
  const text = [...lines.slice(0, maxLines), ...(lines.length > maxLines ? [`… ${lines.length - maxLines} more`] : [])];
  return {
    [displaySymbol]: () => ({
      "text/plain": [title, ...text].join("\n"),
      "text/html": String(html`<p>${title}</p><pre>${text.join("\n")}</pre>`),
    }),
  };
}

const maxShown = 80;

function shown(value: unknown): string {
  if (value === undefined) return "none";
  const text =
    typeof value === "number" ? formatNumber(value, 6) : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > maxShown ? `${text.slice(0, maxShown - 1)}…` : text;
}

/** Compares two recorded runs, finished or not. */
export async function compareRuns(a: Run, b: Run): Promise<RunDiff> {
  const [left, right] = await Promise.all([a, b].map(sideOf));
  const common = [...left!.steps.keys()].filter((step) => right!.steps.has(step));
  const at = (step: number) => between(left!.steps.get(step)!, right!.steps.get(step)!);
  const firstStep = common.find((step) => at(step).length);
  return new RunDiff({
    a: a.id,
    b: b.id,
    settings: between(left!.settings, right!.settings),
    versions: between(a.config.versions, b.config.versions),
    parts: between(left!.parts, right!.parts),
    code: await codeDifferences(a, b),
    first: firstStep === undefined ? undefined : { step: firstStep, metrics: at(firstStep) },
    commonSteps: common.length,
    final: finalFigures(left!.steps, right!.steps),
  });
}

const between = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): RunDifference[] =>
  differing(a, b).map(({ what, recorded, now }) => ({ what, a: recorded, b: now }));

type Metrics = Readonly<Record<string, number | null>>;

interface Side {
  readonly settings: Record<string, unknown>;
  readonly parts: Record<string, unknown>;
  readonly steps: ReadonlyMap<number, Metrics>;
}

async function sideOf(run: Run): Promise<Side> {
  const events = await run.events();
  const { changes } = await run.timeline();
  const later = changes.flatMap(({ step, changes }) =>
    Object.entries(changes).map(([name, value]) => [`${name} after step ${step}`, value]),
  );
  // Which paper a recipe follows is no part of the training.
  const { papers: _, ...setup } = (run.config.setup ?? {}) as Record<string, unknown>;
  const timeless = (metrics: Metrics): Metrics =>
    Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith("seconds")));
  return {
    settings: { ...run.config.config, ...Object.fromEntries(later) },
    parts: {
      ...leaves(setup),
      "weights at the start": await firstWeights(run),
      ...(run.config.parent && { parent: `${run.config.parent.id} at step ${run.config.parent.step}` }),
    },
    steps: new Map(stepsOf(events).map(({ step, metrics }) => [step, timeless(metrics)])),
  };
}

/** Nested values under the names of their paths; lists stay whole. */
function leaves(value: Readonly<Record<string, unknown>>, path = ""): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      const at = path ? `${path} ${name}` : name;
      return inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.entries(leaves(inner as Record<string, unknown>, at))
        : [[at, inner]];
    }),
  );
}

/** A hash of the weights in the first checkpoint; undefined where there is none. */
async function firstWeights(run: Run): Promise<string | undefined> {
  const [first] = await run.checkpoints.list();
  const weights = first && (await readFile(join(first.path, "model.safetensors")).catch(() => undefined));
  return weights && `${createHash("sha256").update(weights).digest("hex").slice(0, 16)} (step ${first.step})`;
}

function finalFigures(a: Side["steps"], b: Side["steps"]): FinalFigure[] {
  const [left, right] = [lastMeans(a), lastMeans(b)];
  return Object.keys(left).flatMap((metric) =>
    metric in right
      ? [{ metric, a: left[metric]!, b: right[metric]!, difference: right[metric]! - left[metric]! }]
      : [],
  );
}

/** Of each metric the mean over the last fifth of the steps, at least one. */
function lastMeans(steps: Side["steps"]): Record<string, number> {
  const all = [...steps.values()];
  const last = all.slice(-Math.max(1, Math.round(all.length / 5)));
  const names = Object.keys(last.at(-1) ?? {});
  const mean = (name: string) => last.reduce((sum, metrics) => sum + (metrics[name] ?? Number.NaN), 0) / last.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
