import { InvalidInputError } from "../../base/errors.ts";
import { isPartReference, type Part, partText, unifiedDiff } from "../../parts/index.ts";
import type { Run, Timeline } from "../../recording/index.ts";
import { ownRewards, type Reward } from "../../reward/index.ts";
import { OwnTaskFamily, type Taskset } from "../../rollout/tasks/index.ts";
import { partFile, readPart } from "./part-files.ts";
import { mapParts, type NamedPart, type Settings } from "./places.ts";

/** A part that was recorded, and another one of its name that takes its place. */
export interface PartChange extends NamedPart {
  readonly part: Part;
}

/** A difference of more lines is cut. */
const mostLines = 80;

/** The parts of the user's own that a reward and a task set are. */
export const partsOf = (reward: Reward, taskset: Taskset): Part[] => [
  ...ownRewards(reward),
  ...(taskset instanceof OwnTaskFamily ? [taskset] : []),
];

/** What a run's setup says of parts, with what was changed since. */
export function partsNow(named: readonly NamedPart[], { partChanges }: Timeline): NamedPart[] {
  return named.map(({ kind, reference }) => {
    let { hash } = reference;
    for (const { from, to } of partChanges) if (from === hash) hash = to;
    return { kind, reference: { ...reference, hash } };
  });
}

/**
 * Finds each recorded part among those that are given.
 *
 * @returns the parts that are not what they were, where `allowChanged` lets them.
 * @throws InvalidInputError naming the parts that must be given, and showing what was changed in one that was given.
 */
export async function matchParts(
  run: Run,
  named: readonly NamedPart[],
  given: readonly Part[],
  allowChanged = false,
): Promise<PartChange[]> {
  const changes: PartChange[] = [];
  const missing: string[] = [];
  for (const { kind, reference } of named) {
    const ofName = given.filter((part) => part.kind === kind && part.name === reference.own);
    if (ofName.some(({ hash }) => hash === reference.hash)) continue;
    const part = ofName.at(-1);
    if (!part) missing.push(`the ${kind} ${JSON.stringify(reference.own)} (${partFile(reference)})`);
    else if (allowChanged) changes.push({ kind, reference, part });
    else throw await changedPart(run, { kind, reference, part });
  }
  if (missing.length)
    throw new InvalidInputError(
      `Run ${run.id} used parts of your own that were not given: ${missing.join(", ")}.`,
      `Give them: { ${missing.length === 1 && missing[0]!.startsWith("the reward") ? "reward" : "parts: [...]"} }. Their code lies in the run's folder, in the files named.`,
    );
  return changes;
}

async function changedPart(run: Run, { kind, reference, part }: PartChange): Promise<InvalidInputError> {
  const [from, to] = [`recorded ${reference.hash.slice(0, 12)}`, `given ${part.hash.slice(0, 12)}`];
  const before = await readPart(run.folder, reference);
  const lines = unifiedDiff(partText(before), partText(part.record), { from, to }).split("\n");
  const shown =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `… ${lines.length - mostLines} more lines`] : lines;
  return new InvalidInputError(
    `Run ${run.id} was trained with another ${kind} ${JSON.stringify(reference.own)} than the one given:\n${shown.join("\n")}\n`,
    "Give the code as it was, or { allowChanged: true } to go on with the new one, which is recorded.",
  );
}

/** Recorded settings with the changed parts in the places of those that they replace. */
export function withChanges(settings: Settings, changes: readonly PartChange[]): Settings {
  return mapParts(settings, (value, kind) => {
    if (!isPartReference(value)) return value;
    return changes.find((one) => one.kind === kind && one.reference.hash === value.hash)?.part ?? value;
  });
}
