/** A curve's points; y may hold NaN where a value is missing. */
export interface Points {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/**
 * Fewer points with the same look: of each stretch the lowest and the highest point stay, in order, and the first and
 * last point of all.
 *
 * @param maxPoints at least 4; a curve that is not longer is returned as it is.
 */
export function decimate({ x, y }: Points, maxPoints: number): { x: number[]; y: number[] } {
  const count = Math.min(x.length, y.length);
  const indices: number[] = [];
  if (count <= maxPoints) for (let i = 0; i < count; i++) indices.push(i);
  else {
    const stretches = Math.max(1, Math.floor((maxPoints - 2) / 2));
    indices.push(0);
    for (let part = 0; part < stretches; part++) {
      const start = 1 + Math.floor((part * (count - 2)) / stretches);
      const end = 1 + Math.floor(((part + 1) * (count - 2)) / stretches);
      let low = start;
      let high = start;
      for (let i = start; i < end; i++) {
        if (!(y[low]! <= y[i]!)) low = i;
        if (!(y[high]! >= y[i]!)) high = i;
      }
      if (low === high) indices.push(low);
      else indices.push(Math.min(low, high), Math.max(low, high));
    }
    indices.push(count - 1);
  }
  return { x: indices.map((i) => x[i]!), y: indices.map((i) => y[i]!) };
}

/** Lowest and highest finite value; undefined without any. */
export function rangeOf(values: ArrayLike<number>): { min: number; max: number } | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? { min, max } : undefined;
}

const blocks = "▁▂▃▄▅▆▇█";

/** A curve as a line of block characters, at most `width` of them; a missing value is a space. */
export function sparkline(values: ArrayLike<number>, width = 32): string {
  const range = rangeOf(values);
  if (!range) return "";
  const size = Math.min(width, values.length);
  const span = range.max - range.min;
  return Array.from({ length: size }, (_, part) => {
    const start = Math.floor((part * values.length) / size);
    const end = Math.max(start + 1, Math.floor(((part + 1) * values.length) / size));
    let sum = 0;
    let count = 0;
    for (let i = start; i < end; i++)
      if (Number.isFinite(values[i])) {
        sum += values[i]!;
        count++;
      }
    if (!count) return " ";
    const level = span ? (sum / count - range.min) / span : 0.5;
    return blocks[Math.min(blocks.length - 1, Math.floor(level * blocks.length))];
  }).join("");
}
