import type { Points } from "./messages.ts";

/**
 * Fewer points of the same shape: of each stretch those with the lowest and the highest value stay, so that no peak is
 * lost, and the first and the last of all.
 *
 * @param most about how many points stay; at least 4.
 */
export function thinned({ x, y }: Points, most: number): Points {
  const { length } = x;
  if (length <= most) return { x: [...x], y: [...y] };
  const stretches = Math.floor((most - 2) / 2);
  const kept = [0];
  for (let i = 0; i < stretches; i++) {
    const from = 1 + Math.floor((i * (length - 2)) / stretches);
    const to = 1 + Math.floor(((i + 1) * (length - 2)) / stretches);
    const { low, high } = extremes(y, from, to);
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  kept.push(length - 1);
  return { x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}

/** Where the lowest and the highest value stand; of a stretch without any, its first place. */
function extremes(y: Points["y"], from: number, to: number): { low: number; high: number } {
  let low = from;
  let high = from;
  for (let i = from; i < to; i++) {
    const value = y[i]!;
    if (value === null) continue;
    const [lowest, highest] = [y[low]!, y[high]!];
    if (lowest === null || value < lowest) low = i;
    if (highest === null || value > highest) high = i;
  }
  return { low, high };
}

/** Columns of a run's metrics, one set of points for each. */
export class Columns {
  readonly all = new Map<string, Points>();
  readonly #most: number;

  /** @param most points that a metric may have; beyond, half of them stay. */
  constructor(most: number) {
    this.#most = most;
  }

  add(step: number, metrics: Readonly<Record<string, number | null>>): void {
    for (const name in metrics) this.push(name, step, metrics[name]!);
  }

  push(name: string, step: number, value: number | null): void {
    let points = this.all.get(name);
    if (!points) {
      points = { x: [], y: [] };
      this.all.set(name, points);
    }
    points.x.push(step);
    points.y.push(value);
    if (points.x.length > this.#most) this.all.set(name, thinned(points, this.#most / 2));
  }

  /** Takes off the points of all steps after `step`. */
  cutAfter(step: number): void {
    for (const { x, y } of this.all.values()) {
      let kept = x.length;
      while (kept > 0 && x[kept - 1]! > step) kept--;
      x.length = y.length = kept;
    }
  }

  /** A copy with about `most` points of each metric. */
  snapshot(most: number): Record<string, Points> {
    return Object.fromEntries([...this.all].map(([name, points]) => [name, thinned(points, most)]));
  }
}
