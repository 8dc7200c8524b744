import { CheckpointError } from "../../base/errors.ts";
import type { Part } from "../../parts/index.ts";
import type { Run } from "../../recording/index.ts";
import { OwnReward } from "../../reward/index.ts";
import { OwnTaskFamily } from "../../rollout/tasks/index.ts";
import type { RunSetup } from "../run-folder.ts";
import { matchParts, type PartChange, partsNow } from "./match-parts.ts";
import { recordParts } from "./part-files.ts";
import { type NamedPart, partsNamedIn } from "./places.ts";

export type { PartChange };

/** What was given to go on with a run, as far as it is code of the user's own. */
interface Given {
  readonly parts?: readonly Part[];
  readonly allowChanged?: boolean;
  readonly step?: number;
}

/** The reward of the run's name among the parts that were given. */
export const givenReward = ({ parts = [] }: Given, { reward }: RunSetup): OwnReward | undefined =>
  parts.find((part): part is OwnReward => part instanceof OwnReward && part.name === reward.name);

/** The task family of the run's name among them. */
export const givenFamily = ({ parts = [] }: Given, { taskset }: RunSetup): OwnTaskFamily | undefined =>
  parts.find((part): part is OwnTaskFamily => part instanceof OwnTaskFamily && part.name === taskset.name);

/** The parts of the user's own that a run's reward and task set were when it began. */
export function partsOfSetup({ reward, taskset: { source } }: RunSetup): NamedPart[] {
  const rewards = (reward.own ?? []).map((reference) => ({ kind: "reward" as const, reference }));
  if (source.kind !== "own" || !source.part) return rewards;
  return [...rewards, { kind: "task family", reference: source.part }];
}

/**
 * The code of the user's own to go on with where a run stands, or at an earlier step.
 *
 * @param used the parts that the reward and the task set are.
 * @returns all of it, what is not as it was, and the step: with changed code a step that has a checkpoint, because steps
 * that the old code made cannot be made again.
 * @throws InvalidInputError for parts that are missing or changed, CheckpointError for a step that cannot be reached.
 */
export async function matchSetup(
  run: Run,
  setup: RunSetup,
  { parts = [], allowChanged, step }: Given,
  used: readonly Part[],
): Promise<{ own: Part[]; changes: PartChange[]; step: number }> {
  const timeline = await run.timeline();
  const wanted = step ?? timeline.step;
  const settings = timeline.settingsAt(run.config.config, wanted);
  const own = [...parts.filter((part) => !used.includes(part)), ...used];
  const changes = await matchParts(
    run,
    [...partsNow(partsOfSetup(setup), timeline), ...partsNamedIn(settings)],
    own,
    allowChanged,
  );
  if (!changes.length) return { own, changes, step: wanted };
  const nearest = (await run.validCheckpoints()).findLast((checkpoint) => checkpoint.step <= wanted)?.step ?? wanted;
  if (step !== undefined && nearest !== step)
    throw new CheckpointError(
      `Run ${run.id} has no checkpoint of step ${step}, and the steps up to it were made with code that has changed.`,
      `Go on from its checkpoint of step ${nearest}.`,
    );
  return { own, changes, step: nearest };
}

/** Writes down that a run goes on with other code. */
export function recordChanges(run: Run, changes: readonly PartChange[], step: number): void {
  recordParts(
    run.folder,
    changes.map(({ part }) => part),
  );
  for (const { kind, reference, part } of changes)
    run.append({ type: "part", step, kind, name: part.name, from: reference.hash, to: part.hash });
}
