import { InvalidInputError } from "../../base/errors.ts";
import { nearestNames } from "../../base/nearest.ts";
import { isPartReference, Part, type PartKind } from "../../parts/index.ts";
import { checkedConfig } from "../check-config.ts";
import type { TrainerConfig } from "../config.ts";
import { partsIn } from "./check-parts.ts";
import { mapParts, type Settings } from "./places.ts";

/**
 * The parts of the user's own that a trainer knows: those in its settings, also in earlier ones, and those that it was
 * given beside them. A recorded configuration names parts by their hashes; with them it becomes one that can be run.
 */
export class PartShelf {
  readonly #parts: Part[] = [];

  /** @param given of two with one name the later is meant by it. */
  constructor(given: readonly Part[] = []) {
    for (const part of given) this.add(part);
  }

  /** Every version of every part, the latest last. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /**
   * Takes a part. One that was made again from the same code takes the place of the one before.
   *
   * @throws InvalidInputError where that code reads things of which nothing is recorded: it may be another part.
   */
  add(part: Part): void {
    const at = this.#parts.findIndex(({ hash, name }) => hash === part.hash && name === part.name);
    const known = this.#parts[at];
    if (known?.functions.some((fn, i) => fn !== part.functions[i]) && part.unrecorded.length)
      throw new InvalidInputError(
        `The ${part.kind} ${JSON.stringify(part.name)} was given again with the same code, but it reads ${part.unrecorded.join(", ")}, of which nothing is recorded: whether it does the same cannot be known.`,
        `Name what it reads, { uses: { ${part.unrecorded.join(", ")} } }, or give it another name.`,
      );
    if (at >= 0) this.#parts.splice(at, 1);
    this.#parts.push(part);
  }

  /**
   * A complete configuration, with parts in the places where it names them.
   *
   * @throws InvalidInputError naming every setting that is unknown or out of range, and a part that is not known here.
   */
  checked(settings: Settings, positions: number): TrainerConfig {
    const config = checkedConfig(mapParts(settings, this.#find.bind(this)), positions);
    for (const part of partsIn(config)) this.add(part);
    return config;
  }

  /**
   * Changes of a configuration as a command can carry them, as JSON: parts among them, and plain functions, are taken and
   * stand there by their names and hashes.
   *
   * @throws InvalidInputError for code that does not fit its place.
   */
  named(config: TrainerConfig, changes: Settings, positions: number): Settings {
    const withCode = Object.entries(changes).filter(([, value]) => holdsCode(value));
    const known: Settings = withCode.length
      ? this.checked({ ...config, ...Object.fromEntries(withCode) }, positions)
      : {};
    const named = Object.entries(changes).map(([name, value]) => [name, holdsCode(value) ? known[name] : value]);
    return JSON.parse(JSON.stringify(Object.fromEntries(named))) as Settings;
  }

  /** The part that a name or a recorded reference means; any other value is left as it is. */
  #find(value: unknown, kind: PartKind, taken: readonly string[]): unknown {
    const ofKind = this.#parts.filter((part) => part.kind === kind);
    if (typeof value === "string" && !taken.includes(value)) {
      const part = ofKind.findLast(({ name }) => name === value);
      if (part) return part;
      if (!ofKind.length) return value;
      const known = [...new Set([...taken, ...ofKind.map(({ name }) => name)])];
      const near = nearestNames(value, known);
      throw new InvalidInputError(
        `There is no ${kind} ${JSON.stringify(value)}.`,
        near.length ? `Did you mean ${near.join(" or ")}?` : `Known: ${known.join(", ")}.`,
      );
    }
    if (!isPartReference(value)) return value;
    const part = ofKind.find(({ hash, name }) => hash === value.hash && name === value.own);
    if (part) return part;
    const others = ofKind.filter(({ name }) => name === value.own);
    throw new InvalidInputError(
      `The ${kind} ${JSON.stringify(value.own)} of your own (${value.hash.slice(0, 12)}) is not known here${others.length ? `, only ${others.map(({ hash }) => hash.slice(0, 12)).join(", ")} of that name` : ""}.`,
      "Give it: { parts: [...] }. Its code lies in the run's folder under parts/.",
    );
  }
}

const holdsCode = (value: unknown): boolean =>
  typeof value === "function" || value instanceof Part || (Array.isArray(value) && value.some(holdsCode));
