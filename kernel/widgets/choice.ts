import { checkOneOf, checkOptions, shown } from "./checks.ts";
import type { State } from "./model.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What there is to choose from: values, which are their own labels, or values by label. */
export type Choices<T> = readonly T[] | Readonly<Record<string, T>>;

/** What `choice` takes. */
export interface ChoiceOptions<T> extends ControlOptions {
  options: Choices<T>;
  /** Default: the first one. */
  value?: NoInfer<T>;
  /** A list that opens, a column of radio buttons or a row of buttons. Default: "list". */
  as?: "list" | "radio" | "buttons";
}

const known = [...controlOptions, "options", "value", "as"] as const;

const looks = {
  list: { model: "Dropdown", style: "Description" },
  radio: { model: "RadioButtons", style: "Description" },
  buttons: { model: "ToggleButtons", style: "ToggleButtons" },
} as const;

/** Labels and values. @throws TypeError or RangeError where there is nothing to choose or labels are not clear */
function entries<T>(choices: Choices<T>): Entries<T> {
  if (typeof choices !== "object" || choices === null) {
    throw new TypeError(
      `choice: options is ${shown(choices)}. Give an array of values, or an object of values by label.`,
    );
  }
  const found = Array.isArray(choices)
    ? (choices as readonly T[]).map((value) => [labelOf(value), value] as [string, T])
    : Object.entries(choices as Record<string, T>);
  if (found.length === 0) throw new RangeError("choice: options is empty. Give at least one value to choose.");
  const twice = found.find(([label], i) => found.findIndex(([other]) => other === label) !== i);
  if (twice) throw new RangeError(`choice: two options are labelled "${twice[0]}". Give each a label of its own.`);
  return found;
}

function labelOf(value: unknown): string {
  if (["string", "number", "boolean", "bigint"].includes(typeof value)) return String(value);
  throw new TypeError(`choice: the option ${shown(value)} is no label. Give options as an object: { label: value }.`);
}

type Entries<T> = readonly (readonly [label: string, value: T])[];

function indexOf<T>(value: unknown, list: Entries<T>): number {
  const index = list.findIndex(([, one]) => Object.is(one, value));
  if (index >= 0) return index;
  throw new RangeError(`choice: ${shown(value)} is none of the options: ${list.map(([label]) => label).join(", ")}.`);
}

/** One of several values. */
export class Choice<T> extends ValueControl<T> {
  /** What the labels of a state mean: the page knows labels only. */
  readonly #lists: WeakMap<object, Entries<T>>;

  constructor(options: ChoiceOptions<T>) {
    const what = "choice";
    checkOptions(what, options, known);
    const look = looks[checkOneOf(what, "as", options.as ?? "list", ["list", "radio", "buttons"])];
    const first = entries(options.options);
    const labels = first.map(([label]) => label);
    const lists = new WeakMap<object, Entries<T>>([[labels, first]]);
    const listOf = (state: State): Entries<T> => lists.get(state._options_labels as object)!;
    super({
      what,
      identity: control(look.model),
      style: style(look.style),
      options,
      state: {
        _options_labels: labels,
        index: options.value === undefined ? 0 : indexOf(options.value, first),
        ...(look.model === "ToggleButtons" ? { button_style: "", icons: [], tooltips: [] } : {}),
        ...(look.model === "RadioButtons" ? { orientation: "vertical" } : {}),
      },
      read: (state) => listOf(state)[state.index as number]![1],
      write: (value, state) => ({ index: indexOf(value, listOf(state)) }),
    });
    this.#lists = lists;
  }

  get #entries(): Entries<T> {
    return this.#lists.get(this.model.state._options_labels as object)!;
  }

  /** The label of the value that is chosen. */
  get chosen(): string {
    return this.#entries[this.model.state.index as number]![0];
  }

  /** Values by label. Setting them keeps the chosen value where it is still there, and else chooses the first one. */
  get options(): Readonly<Record<string, T>> {
    return Object.fromEntries(this.#entries);
  }
  set options(choices: Choices<T>) {
    const next = entries(choices);
    const kept = next.findIndex(([, value]) => Object.is(value, this.value));
    const labels = next.map(([label]) => label);
    this.#lists.set(labels, next);
    this.change({ _options_labels: labels, index: Math.max(kept, 0) });
  }

  protected override content(): string {
    return `${this.chosen} (of ${this.#entries.map(([label]) => label).join(", ")})`;
  }
}

/**
 * Makes a choice of one of several values.
 * @throws TypeError or RangeError where there is nothing to choose, or `value` is not among the options
 *
 * @example
 * const estimator = choice({ label: "advantage", options: ["grpo", "rloo"] });
 * const device = choice({ options: { "best there is": "auto", processor: "cpu" } as const });
 */
export function choice<const T>(options: ChoiceOptions<T>): Choice<T> {
  return new Choice(options);
}
