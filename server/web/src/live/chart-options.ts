import { Signal } from "@lumino/signaling";

/** How charts are drawn, the same for all of them. */
interface Values {
  /** Metrics that are drawn; null: the usual ones. */
  chosen: readonly string[] | null;
  isLog: boolean;
  /** 0: as it is; towards 1 every point is the more a mean of those before it. */
  smoothing: number;
}

const storageKey = "cirlab:charts";

/** What the person chose for the charts; the browser remembers it. */
class ChartOptions {
  readonly changed = new Signal<this, void>(this);
  #values: Values = { chosen: null, isLog: false, smoothing: 0 };

  constructor() {
    try {
      const { chosen, isLog, smoothing } = JSON.parse(localStorage.getItem(storageKey) ?? "{}") as Partial<Values>;
      const isList = Array.isArray(chosen) && chosen.every((name) => typeof name === "string");
      this.#values = {
        chosen: isList ? chosen : null,
        isLog: isLog === true,
        smoothing: typeof smoothing === "number" && smoothing >= 0 && smoothing < 1 ? smoothing : 0,
      };
    } catch {
      // What another version left there, or a browser that keeps nothing.
    }
  }

  get values(): Readonly<Values> {
    return this.#values;
  }

  set(changes: Partial<Values>): void {
    this.#values = { ...this.#values, ...changes };
    try {
      localStorage.setItem(storageKey, JSON.stringify(this.#values));
    } catch {
      // It holds for this page then.
    }
    this.changed.emit();
  }
}

export const chartOptions = new ChartOptions();

/** A running mean of values, which begins with the first; gaps stay gaps. */
export function smoothed(values: readonly (number | null)[], smoothing: number): (number | null)[] {
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = smoothing * mean + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
    return mean / weight;
  });
}
