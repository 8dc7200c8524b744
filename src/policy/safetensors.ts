import { CheckpointError } from "../base/errors.ts";

/** A named float32 tensor of a checkpoint. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Writes tensors in the safetensors layout: an 8-byte little-endian header length, a JSON header, the raw data.
 *
 * @returns the file's parts: the header, then views of the tensors' data in the order given.
 */
export function encodeSafetensors(tensors: Readonly<Record<string, NamedTensor>>): Uint8Array[] {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = JSON.stringify(header);
  // The data starts at a multiple of 8 bytes; the format pads the header with spaces.
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8, " "));
  const head = new Uint8Array(8 + json.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
  head.set(json, 8);
  const bytesOf = ({ data }: NamedTensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [head, ...Object.values(tensors).map(bytesOf)];
}

/**
 * Reads a safetensors file of float32 tensors.
 *
 * @param file names the file in errors.
 * @throws CheckpointError for a damaged file or another element type.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Record<string, NamedTensor> {
  const damaged = (why: string, cause?: unknown) =>
    new CheckpointError(`${file} is not a valid safetensors file: ${why}.`, "Save the checkpoint again.", cause);
  if (bytes.length < 8) throw damaged(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (8 + headerLength > bytes.length) throw damaged("its header is longer than the file");
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + headerLength)));
  } catch (error) {
    throw damaged("its header is not JSON", error);
  }
  const start = 8 + headerLength;
  const tensors: Record<string, NamedTensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (entry.dtype !== "F32")
      throw new CheckpointError(
        `${file}: tensor ${name} has element type ${entry.dtype}; this version reads F32 only.`,
        "Convert the checkpoint to float32.",
      );
    const [from, to] = entry.data_offsets;
    const elements = entry.shape.reduce((product, size) => product * size, 1);
    if (start + to > bytes.length || to - from !== elements * 4) throw damaged(`tensor ${name} is cut off`);
    tensors[name] = {
      shape: entry.shape,
      data: new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer),
    };
  }
  return tensors;
}
