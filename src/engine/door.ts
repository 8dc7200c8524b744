import { DeviceError, InvalidInputError } from "../base/errors.ts";
import type { EncodedGraph, TensorSpec } from "../graph/encoded.ts";
import type { WireInput, WireRun } from "./protocol.ts";
import { describeTensor, elementCount, holds, postable, sameShape } from "./tensors.ts";
import type { BufferPrefix, EngineBuffer, HostTensor, RowUpdate, RunRequest, TypedArray } from "./types.ts";

/** What the door must know of the engine it guards. */
export interface Guarded {
  /** @throws DeviceError for a buffer of another engine; InvalidInputError for one that was disposed. */
  admit(buffer: EngineBuffer, what: string): EngineBuffer;
}

type Given = HostTensor | EngineBuffer | BufferPrefix;

/**
 * Checks a run completely before anything happens, and puts it into the worker's words.
 *
 * @throws InvalidInputError naming program and tensor, what is expected and what was given; DeviceError for a buffer of
 * another engine.
 */
export function checkRun(engine: Guarded, graph: EncodedGraph, program: number, request: RunRequest): WireRun {
  const { inputs, fetch = [], store = {}, updateRows = [] } = request;
  const outputs = new Map(graph.outputs.map((spec) => [spec.name, spec]));
  const output = (name: string, use: string) => {
    const spec = outputs.get(name);
    if (spec) return spec;
    throw new InvalidInputError(
      `Program "${graph.name}" has no output "${name}" to ${use}.`,
      `It has ${[...outputs.keys()].join(", ")}.`,
    );
  };
  const known = new Set(graph.inputs.map(({ name }) => name));
  for (const name of Object.keys(inputs))
    if (!known.has(name))
      throw new InvalidInputError(
        `Program "${graph.name}" has no input "${name}".`,
        `It takes ${[...known].join(", ") || "none"}.`,
      );

  const wired = graph.inputs.map((spec) => checkInput(engine, graph, spec, inputs[spec.name]));
  for (const name of fetch) output(name, "fetch");
  if (new Set(fetch).size < fetch.length)
    throw new InvalidInputError(`Program "${graph.name}": an output is fetched twice: ${fetch.join(", ")}.`);

  const written = new Set<EngineBuffer>();
  const claim = (buffer: EngineBuffer, name: string) => {
    engine.admit(buffer, `Program "${graph.name}", output "${name}"`);
    if (written.has(buffer))
      throw new InvalidInputError(`Program "${graph.name}": two outputs are written into the same buffer.`);
    written.add(buffer);
  };
  const stores = Object.entries(store).map(([name, buffer]) => {
    const spec = output(name, "store");
    claim(buffer, name);
    if (buffer.dtype !== spec.dtype || !sameShape(buffer.shape, spec.shape))
      throw new InvalidInputError(
        `Program "${graph.name}", output "${name}" is ${describeTensor(spec)} and cannot be stored in a buffer of ${describeTensor(buffer)}.`,
      );
    return [name, buffer.id] as const;
  });
  const updates = updateRows.map((update) => {
    const spec = output(update.output, "update rows with");
    claim(update.into, update.output);
    checkRows(graph, spec, update);
    return { output: update.output, buffer: update.into.id, positions: postable(update.positions) };
  });
  if (fetch.length + stores.length + updates.length === 0)
    throw new InvalidInputError(`Program "${graph.name}": no output is fetched, stored or used for a row update.`);
  return { program, inputs: wired, fetch, store: stores, updateRows: updates };
}

/** Checks data against the type and shape of the tensor it is for. */
export function checkData(data: TypedArray, spec: Pick<TensorSpec, "dtype" | "shape">, what: string): void {
  if (!holds(data, spec.dtype))
    throw new InvalidInputError(
      `${what} expects ${describeTensor(spec)}; given was a ${(data as object | undefined)?.constructor?.name ?? typeof data}.`,
    );
  if (data.length !== elementCount(spec.shape))
    throw new InvalidInputError(
      `${what} expects ${describeTensor(spec)}, which are ${elementCount(spec.shape)} elements; given were ${data.length}.`,
    );
}

function checkInput(engine: Guarded, graph: EncodedGraph, spec: TensorSpec, given: Given | undefined): WireInput {
  const what = `Program "${graph.name}", input "${spec.name}"`;
  if (typeof given !== "object" || given === null)
    throw new InvalidInputError(`${what} (${describeTensor(spec)}) is missing.`);
  const [dtype, shape] = typeOf(engine, given, what);
  if (dtype !== spec.dtype || !sameShape(shape, spec.shape))
    throw new InvalidInputError(
      `${what} expects ${describeTensor(spec)}; given was ${describeTensor({ dtype, shape })}.`,
    );
  if ("data" in given) {
    checkData(given.data, spec, what);
    return postable(given.data);
  }
  return "rows" in given ? [given.buffer.id, given.rows] : given.id;
}

function typeOf(engine: Guarded, given: Given, what: string): [TensorSpec["dtype"], readonly number[]] {
  if ("data" in given) return [given.dtype, given.shape];
  if (!("rows" in given)) {
    const { dtype, shape } = engine.admit(given, what);
    return [dtype, shape];
  }
  const { dtype, shape } = engine.admit(given.buffer, what);
  const [slots, ...row] = shape;
  if (slots === undefined || !Number.isInteger(given.rows) || given.rows < 1 || given.rows > slots)
    throw new InvalidInputError(
      `${what}: ${given.rows} rows were asked of a buffer of ${describeTensor({ dtype, shape })}.`,
    );
  return [dtype, [given.rows, ...row]];
}

function checkRows(graph: EncodedGraph, spec: TensorSpec, { into, positions }: RowUpdate): void {
  const what = `Program "${graph.name}", output "${spec.name}" (${describeTensor(spec)})`;
  const [rows = 0, heads, steps = 0, width] = spec.shape;
  const [slots = 0, ownHeads, length = 0, ownWidth] = into.shape;
  const fits =
    spec.shape.length === 4 &&
    into.shape.length === 4 &&
    spec.dtype === into.dtype &&
    rows <= slots &&
    heads === ownHeads &&
    steps <= length &&
    width === ownWidth;
  if (!fits) throw new InvalidInputError(`${what} cannot update rows of a buffer of ${describeTensor(into)}.`);
  if (!(positions instanceof Int32Array) || positions.length !== rows)
    throw new InvalidInputError(`${what} needs ${rows} positions; given were ${positions.length}.`);
  const beyond = positions.find((position) => position + steps > length);
  if (beyond !== undefined)
    throw new InvalidInputError(`${what}: position ${beyond} lies beyond the buffer's length of ${length}.`);
}

/** Checks the rows of a move: existing ones, and no target named twice. */
export function checkMove(buffer: EngineBuffer, from: Int32Array, to: Int32Array): void {
  const slots = buffer.shape[0];
  const what = `Moving rows in a buffer of ${describeTensor(buffer)}`;
  if (slots === undefined) throw new InvalidInputError(`${what}: a scalar has no rows.`);
  if (from.length !== to.length)
    throw new InvalidInputError(`${what}: ${from.length} rows to move and ${to.length} places to move them to.`);
  const outside = [...from, ...to].find((row) => row < 0 || row >= slots);
  if (outside !== undefined) throw new InvalidInputError(`${what}: there is no row ${outside}.`);
  if (new Set(to).size < to.length) throw new InvalidInputError(`${what}: a row is the target of two moves.`);
}

/** The error for a buffer that belongs elsewhere. */
export function foreignBuffer(buffer: EngineBuffer, what: string, device: string): DeviceError {
  return new DeviceError(
    `${what}: the buffer of ${describeTensor(buffer)} belongs to another engine (on ${buffer.device}), not to this one on ${device}.`,
    "Read it there and write it here: tensors never move between devices silently.",
  );
}
