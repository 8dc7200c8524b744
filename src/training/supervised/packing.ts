/**
 * Several samples in one row: no room is wasted on padding, and no sample is cut. Each row takes the sample that comes next
 * where it fits most closely (best fit; Ding et al. 2024, arXiv:2404.10830, sort by length before, which would put samples
 * of a length together; here the shuffled order decides). Tokens see their own sample alone and count positions from its
 * beginning, so loss and gradient are those of unpacked rows.
 */

import type { MaskedRows } from "../optimizer.ts";
import type { Sample } from "./samples.ts";

/**
 * Puts items of given lengths into rows of a capacity.
 *
 * @param lengths each at most the capacity.
 * @returns for each row the places of its items, in the order given; rows in the order in which they were begun.
 */
export function packRows(lengths: readonly number[], capacity: number): number[][] {
  const rows: number[][] = [];
  /** By the room that is left: rows, the oldest first. */
  const open: number[][] = Array.from({ length: capacity + 1 }, () => []);
  lengths.forEach((length, item) => {
    let room = length;
    while (room <= capacity && !open[room]!.length) room++;
    const row = room <= capacity ? open[room]!.shift()! : rows.push([]) - 1;
    rows[row]!.push(item);
    open[Math.min(room, capacity) - length]!.push(row);
  });
  return rows;
}

/**
 * Lays samples out as rows; position i predicts token i + 1 of the same sample.
 *
 * @param rows the samples of each row, at most `shape.rows` of them; what is left is padding without a mask.
 * @param isPacked rows may hold several samples.
 */
export function layOut(
  rows: readonly (readonly Pick<Sample, "ids" | "trained">[])[],
  shape: { readonly rows: number; readonly length: number; readonly padId: number },
  isPacked: boolean,
): MaskedRows {
  const size = shape.rows * shape.length;
  const ids = new Int32Array(size).fill(shape.padId);
  const targets = new Int32Array(size).fill(shape.padId);
  const mask = new Float32Array(size);
  const segments = new Int32Array(size);
  const positions = new Int32Array(size);
  rows.forEach((samples, row) => {
    let at = row * shape.length;
    samples.forEach(({ ids: own, trained }, segment) => {
      own.forEach((id, i) => {
        ids[at + i] = id;
        segments[at + i] = segment + 1;
        positions[at + i] = i;
        if (i === 0) return;
        targets[at + i - 1] = id;
        mask[at + i - 1] = trained[i] ? 1 : 0;
      });
      at += own.length;
    });
  });
  const { rows: count, length } = shape;
  return { rows: count, length, ids, targets, mask, ...(isPacked && { packing: { segments, positions } }) };
}

/** Rows that a program is built for: few sizes, and little padding where an epoch ends. */
export const rowBucket = (rows: number, full: number): number => Math.min(full, Math.ceil(rows / 4) * 4);
