import type { RolloutView } from "../../../../src/display/rollout-view.ts";

/** A figure by which tokens can be tinted. */
export interface Heat {
  readonly key: string;
  readonly label: string;
  /** What the tint says. */
  readonly legend: string;
  /** Where the neutral value lies: values below and above it have colours of their own. Absent: from nothing to much. */
  readonly centre?: number;
  /** Turns a value so that more of it is a stronger tint. Default: as it is. */
  readonly strength?: (value: number) => number;
}

/** Figures that are offered, recorded or not, in this order. */
export const heats: readonly Heat[] = [
  {
    key: "logprob",
    label: "log-prob",
    legend: "the stronger the tint, the less likely the token was",
    strength: (value) => -value,
  },
  { key: "entropy", label: "entropy", legend: "the stronger the tint, the less sure the policy was" },
  { key: "advantage", label: "advantage", legend: "blue: made likelier, orange: made less likely", centre: 0 },
  {
    key: "ratio",
    label: "ratio",
    legend: "blue: likelier than when it was sampled, orange: less likely",
    centre: 0,
    strength: (value) => Math.log(Math.max(value, 1e-9)),
  },
  { key: "clipped", label: "clipped", legend: "tinted: the clipped term won, the token gives no gradient" },
  {
    key: "refLogprob",
    label: "reference log-prob",
    legend: "the stronger the tint, the less likely under the reference",
    strength: (value) => -value,
  },
  { key: "value", label: "critic's value", legend: "blue: above zero, orange: below", centre: 0 },
  { key: "return", label: "return", legend: "blue: above zero, orange: below", centre: 0 },
  { key: "lossTerm", label: "loss term", legend: "blue: above zero, orange: below", centre: 0 },
];

const always = new Set(["logprob", "entropy", "advantage", "ratio", "clipped"]);

/** Heats to choose from: those that are recorded, and of the usual ones also those that are not. */
export function offeredHeats(recorded: ReadonlySet<string>): { heat: Heat; isRecorded: boolean }[] {
  return heats
    .filter(({ key }) => always.has(key) || recorded.has(key))
    .map((heat) => ({ heat, isRecorded: recorded.has(heat.key) }));
}

/** Figures of which a rollout has at least one value. */
export function recordedFigures(rollouts: readonly RolloutView[]): Set<string> {
  const names = new Set<string>();
  for (const { figures } of rollouts)
    for (const [name, values] of Object.entries(figures)) if (values.some((value) => value !== null)) names.add(name);
  return names;
}

// Blue and orange are told apart by colour-blind readers (Okabe and Ito, 2008); the text on them stays the theme's.
const blue = "0 114 178";
const orange = "230 120 0";
const strongest = 0.75;

/** The value that gets the strongest tint: nearly the largest, so that one outlier does not pale all others. */
function scaleOf(values: readonly number[]): number {
  const sizes = values.map(Math.abs).sort((a, b) => a - b);
  return sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * 0.98))] || 1;
}

/** The tint of each token of a rollout; undefined where the figure has no value. */
export function tints(
  rollout: RolloutView,
  { key, centre, strength = (value) => value }: Heat,
): (string | undefined)[] {
  const values = (rollout.figures[key] ?? []).map((value) => (value === null ? null : strength(value)));
  // What the policy did not choose is often far less likely than what it did, and would pale it.
  const isChosen = rollout.sources.flatMap(([source, count]) =>
    new Array<boolean>(count).fill(source !== "prompt" && source !== "tool" && source !== "forced"),
  );
  const scale = scaleOf(values.filter((value, i): value is number => value !== null && isChosen[i]!));
  return values.map((value) => {
    if (value === null) return undefined;
    const share = Math.min(1, Math.abs(value) / scale);
    const colour = centre === undefined ? orange : value < 0 ? orange : blue;
    return `rgb(${colour} / ${((centre === undefined && value < 0 ? 0 : share) * strongest).toFixed(3)})`;
  });
}
