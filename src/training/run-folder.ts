import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { type Part, partReferenceSchema, partText } from "../parts/index.ts";
import type { Policy } from "../policy/policy.ts";
import { RecordingError, Run, type RunConfig } from "../recording/index.ts";
import { OwnReward, ownRewards, type Reward } from "../reward/index.ts";
import { ArithmeticTaskset, OwnTaskFamily, type Task, type Taskset } from "../rollout/tasks/index.ts";
import type { PaperSettings } from "./diff.ts";
import { type Helpers, helpersSetup, helpersSetupSchema } from "./helpers-setup.ts";
import { interpreterSetup, interpreterSetupSchema } from "./interpreter-setup.ts";
import { partFile, partFileText } from "./parts/part-files.ts";
import { modelSetup, modelSetupSchema } from "./recorded-model.ts";

/** The file of a run's folder that holds the tasks of a finite task set. */
export const tasksFile = "tasks.jsonl";

/** What a run's `config.json` says of the parts that its trainer was made of. */
const setupSchema = z.object({
  kind: z.literal("trainer"),
  recipe: z.string().optional(),
  ...modelSetupSchema.shape,
  /** Absent where typed tools alone were used. */
  interpreter: interpreterSetupSchema.optional(),
  ...helpersSetupSchema.shape,
  taskset: z.object({
    name: z.string(),
    families: z.array(z.string()),
    /** A generator and its options, or a list that lies in the folder. */
    source: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("arithmetic"), options: z.record(z.string(), z.json()) }),
      z.object({ kind: z.literal("list"), size: z.int().positive() }),
      z.object({ kind: z.literal("own"), part: partReferenceSchema.optional() }),
    ]),
  }),
  /** `own`: the parts of the user's own in it, whose code lies in the folder; absent from older recordings. */
  reward: z.object({ name: z.string(), source: z.string(), own: z.array(partReferenceSchema).optional() }),
  papers: z.array(z.json()),
});

export type RunSetup = z.infer<typeof setupSchema>;

/** The parts of a trainer that its runs tell of. */
export interface TrainerParts extends Helpers {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly interpreter: CodeInterpreter | undefined;
  readonly taskset: Taskset;
  readonly reward: Reward;
  readonly papers: readonly PaperSettings[];
  readonly recipe?: string | undefined;
  /** Code of the user's own. */
  readonly parts?: readonly Part[];
}

export interface NewRunOptions {
  /** Part of the run's id. Default: the policy's and the task set's names. */
  readonly name?: string;
  readonly parent?: { readonly id: string; readonly step: number };
}

/** Makes a run's folder from which alone the training can be repeated; where a part is code, its text is there. */
export function createTrainerRun(
  parts: TrainerParts,
  config: Readonly<Record<string, unknown>>,
  folder: string,
  { name, parent }: NewRunOptions = {},
): Promise<Run> {
  const { lab, policy, interpreter, taskset, reward, papers, recipe, parts: own = [] } = parts;
  const tasks = listOf(taskset);
  const setup: RunSetup = {
    kind: "trainer",
    ...(recipe !== undefined && { recipe }),
    ...modelSetup(lab, policy),
    ...(interpreter && { interpreter: interpreterSetup(interpreter) }),
    ...helpersSetup(parts),
    taskset: { name: taskset.name, families: [...taskset.families], source: sourceOf(taskset, tasks) },
    reward: { name: reward.name, source: sourceText(reward), own: ownRewards(reward).map((part) => part.toJSON()) },
    papers: JSON.parse(JSON.stringify(papers)) as RunSetup["papers"],
  };
  return Run.create({
    folder,
    name: name ?? `${policy.name}-${taskset.name}`,
    seed: lab.seed,
    config,
    setup,
    parent,
    files: {
      ...(tasks && { [tasksFile]: tasks.map((task) => `${JSON.stringify(task)}\n`).join("") }),
      ...Object.fromEntries(own.map((part) => [partFile(part.toJSON()), partFileText(part)])),
    },
  });
}

/** @throws RecordingError when the run was not recorded by a trainer, or by one of an older version. */
export function readSetup(config: RunConfig): RunSetup {
  const parsed = setupSchema.safeParse(config.setup);
  if (parsed.success) return parsed.data;
  const kind = config.setup?.kind;
  if (typeof kind === "string" && kind !== "trainer")
    throw new RecordingError(
      `Run ${config.id} is no run of a Trainer, but one of kind ${kind}.`,
      "Take it up with its own learner's resume: SftTrainer, DpoTrainer or ExpertIteration.",
    );
  const issue = parsed.error.issues[0]!;
  throw new RecordingError(
    config.setup
      ? `Run ${config.id}: its config.json is damaged: setup.${issue.path.join(".")}: ${issue.message}.`
      : `Run ${config.id} does not say what it was made of: no trainer of this version recorded it.`,
  );
}

function listOf(taskset: Taskset): Task[] | undefined {
  const { size } = taskset;
  return size === undefined ? undefined : Array.from({ length: size }, (_, i) => taskset.at(i));
}

const sourceText = (reward: Reward): string =>
  reward instanceof OwnReward ? partText(reward.record) : String(reward.score);

function sourceOf(taskset: Taskset, tasks: readonly Task[] | undefined): RunSetup["taskset"]["source"] {
  if (tasks) return { kind: "list", size: tasks.length };
  if (taskset instanceof OwnTaskFamily) return { kind: "own", part: taskset.toJSON() };
  if (!(taskset instanceof ArithmeticTaskset)) return { kind: "own" };
  return { kind: "arithmetic", options: JSON.parse(JSON.stringify(taskset.options)) as Record<string, never> };
}
