import { isPartReference, type PartKind, type PartReference } from "../../parts/index.ts";
import { advantageEstimators } from "../advantages/index.ts";
import { scheduledSettings, type TrainerConfig } from "../config.ts";
import { policyLosses } from "../objectives/index.ts";

/** Settings as they were given, or as a recording has them. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * The settings with another value in every place where a part of the user's own may stand.
 *
 * @param map `taken` are the lab's own names there.
 */
export function mapParts(
  settings: Settings,
  map: (value: unknown, kind: PartKind, taken: readonly string[]) => unknown,
): Settings {
  const mapped: Record<string, unknown> = { ...settings };
  const place = (name: string, kind: PartKind, taken: readonly string[] = []) => {
    const value = mapped[name];
    if (value !== undefined) mapped[name] = map(value, kind, taken);
  };
  const list = (name: string, kind: PartKind) => {
    const values = mapped[name];
    if (Array.isArray(values)) mapped[name] = values.map((value: unknown) => map(value, kind, []));
  };
  place("advantageEstimator", "estimator", Object.keys(advantageEstimators));
  place("policyLoss", "objective", Object.keys(policyLosses));
  list("filters", "filter");
  list("guards", "guard");
  for (const name of Object.keys(scheduledSettings(settings as TrainerConfig))) place(name, "schedule");
  return mapped;
}

/** A part that a recording names, and what kind of part it is. */
export interface NamedPart {
  readonly kind: PartKind;
  readonly reference: PartReference;
}

/** The parts that recorded settings name. */
export function partsNamedIn(settings: Settings): NamedPart[] {
  const found: NamedPart[] = [];
  mapParts(settings, (value, kind) => {
    if (isPartReference(value)) found.push({ kind, reference: value });
    return value;
  });
  return found;
}
