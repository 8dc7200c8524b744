import type { DType, EncodedGraph, TensorSpec } from "../graph/encoded.ts";
import { smallGraph } from "./small-graphs.ts";

type Kind = Pick<TensorSpec, "dtype" | "shape">;

/** A position that no step of a row update can reach, for rows to skip. */
export const skippedRow = -(2 ** 30);

/** `to = from`: brings data to the device, copies it there, or fetches it back, by where the output is bound. */
export function copyGraph(kind: Kind): EncodedGraph {
  return smallGraph(
    "copy",
    [{ name: "from", ...kind }],
    [{ name: "to", ...kind }],
    [{ op: "Identity", inputs: ["from"], outputs: ["to"] }],
  );
}

/** `to` = the first `rows` entries of `from` along its first axis. */
export function prefixGraph({ dtype, shape }: Kind, rows: number): EncodedGraph {
  return smallGraph(
    "prefix",
    [{ name: "from", dtype, shape }],
    [{ name: "to", dtype, shape: [rows, ...shape.slice(1)] }],
    [{ op: "Slice", inputs: ["from", "start", "end", "axis"], outputs: ["to"] }],
    [int64("start", 0), int64("end", rows), int64("axis", 0)],
  );
}

/** `to[i] = from[rows[i]]` along the first axis. */
export function permutationGraph({ dtype, shape }: Kind): EncodedGraph {
  return smallGraph(
    "permutation",
    [
      { name: "from", dtype, shape },
      { name: "rows", dtype: "int32", shape: shape.slice(0, 1) },
    ],
    [{ name: "to", dtype, shape }],
    [{ op: "Gather", inputs: ["from", "rows"], outputs: ["to"], attributes: { axis: 0 } }],
  );
}

/**
 * A cache `[slots, heads, length, width]` with new rows `[rows, heads, steps, width]` written in, row r from
 * `positions[r]` on (int32 `[rows, 1, 1, 1]`; `skippedRow` leaves a row as it is). One selection per step: whatever
 * the number of steps, every value is copied, never computed with.
 */
export function rowUpdateGraph(dtype: DType, cache: readonly number[], fresh: readonly number[]): EncodedGraph {
  const [slots = 1, , length = 1] = cache;
  const [rows = 1, , steps = 1] = fresh;
  const indices = Array.from({ length: steps }, (_, step) => step);
  const parts = indices.map((step) => `rows${step}`);
  const untouched = slots - rows;
  const active = untouched > 0 ? "active" : "cache";
  const changed = (step: number) => (step === steps - 1 && untouched === 0 ? "to" : `changed${step}`);
  return smallGraph(
    "row update",
    [
      { name: "cache", dtype, shape: cache },
      { name: "rows", dtype, shape: fresh },
      { name: "positions", dtype: "int32", shape: [rows, 1, 1, 1] },
    ],
    [{ name: "to", dtype, shape: cache }],
    [
      ...(untouched > 0
        ? [{ op: "Split", inputs: ["cache", "parts"], outputs: ["active", "untouched"], attributes: { axis: 0 } }]
        : []),
      steps > 1
        ? { op: "Split", inputs: ["rows", "singles"], outputs: parts, attributes: { axis: 2 } }
        : { op: "Identity", inputs: ["rows"], outputs: parts },
      ...indices.flatMap((step) => [
        { op: "Add", inputs: ["positions", `step${step}`], outputs: [`at${step}`] },
        { op: "Equal", inputs: ["places", `at${step}`], outputs: [`here${step}`] },
        {
          op: "Where",
          inputs: [`here${step}`, `rows${step}`, step === 0 ? active : changed(step - 1)],
          outputs: [changed(step)],
        },
      ]),
      ...(untouched > 0
        ? [{ op: "Concat", inputs: [changed(steps - 1), "untouched"], outputs: ["to"], attributes: { axis: 0 } }]
        : []),
    ],
    [
      { name: "places", dtype: "int32", shape: [1, 1, length, 1], values: Array.from({ length }, (_, i) => i) },
      ...indices.map((step) => ({ name: `step${step}`, dtype: "int32" as const, shape: [1], values: [step] })),
      ...(steps > 1 ? [int64("singles", ...indices.map(() => 1))] : []),
      ...(untouched > 0 ? [int64("parts", rows, untouched)] : []),
    ],
  );
}

function int64(name: string, ...values: number[]) {
  return { name, dtype: "int64" as const, shape: [values.length], values };
}
