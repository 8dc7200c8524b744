import { CheckpointError } from "../base/errors.ts";
import type { EngineApi, EngineBuffer } from "./types.ts";

type Buffers = Readonly<Record<string, EngineBuffer>>;
type Arrays = Record<string, Float32Array>;

/** Copies float32 buffers off the device. All are asked for at once: the way to the device and back is paid once. */
export async function readBuffers(engine: EngineApi, buffers: Buffers): Promise<Arrays> {
  const reading = Object.entries(buffers).map(
    async ([name, buffer]) => [name, (await engine.read(buffer)).data as Float32Array] as const,
  );
  return Object.fromEntries(await Promise.all(reading));
}

/**
 * Copies arrays to the buffers of the same names.
 *
 * @throws CheckpointError naming an array that is missing; nothing is written.
 */
export async function writeBuffers(engine: EngineApi, buffers: Buffers, arrays: Readonly<Arrays>): Promise<void> {
  const missing = Object.keys(buffers).filter((name) => !arrays[name]);
  if (missing.length > 0) throw new CheckpointError(`Weights without the tensor ${missing.join(", ")}.`);
  await Promise.all(Object.entries(buffers).map(([name, buffer]) => engine.write(buffer, arrays[name]!)));
}
