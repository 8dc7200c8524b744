import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { versions } from "../base/versions.ts";
import { RecordingError } from "./errors.ts";

/** Counts up when a folder of an older version can no longer be read as it is. */
export const formatVersion = 1;

/** `config.json` of a run: what is needed to know what it was, and to repeat it. */
export const runConfigSchema = z.object({
  formatVersion: z.literal(formatVersion),
  id: z.string().min(1),
  name: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.iso.datetime(),
  /** Root of all randomness. */
  seed: z.int().nonnegative().optional(),
  /** Versions that the results depend on: cirlab, node, platform, onnxruntime. */
  versions: z.record(z.string(), z.string()),
  /** The settings, as whoever trained gave them. */
  config: z.record(z.string(), z.json()),
  /** What the settings were used on: the parts that are needed to repeat the run. */
  setup: z.record(z.string(), z.json()).optional(),
  /** The run that this one branched off from, and where. */
  parent: z.object({ id: z.string(), step: z.int().nonnegative() }).optional(),
});

export type RunConfig = z.infer<typeof runConfigSchema>;

/** Versions as they are recorded. */
export function recordedVersions(): Record<string, string> {
  const manifest = createRequire(import.meta.url)("onnxruntime-node-gpu/package.json") as { version: string };
  return { ...versions(), onnxruntime: manifest.version };
}

/** @throws RecordingError when the folder holds no run, a damaged one, or one of a newer version. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new RecordingError(`${folder} is not the folder of a run: it has no config.json.`, undefined, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RecordingError(`${path} is damaged: it is not JSON.`, undefined, error);
  }
  const version = (value as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === "number" && version > formatVersion)
    throw new RecordingError(
      `${folder} was recorded by a newer version of CIR Lab (format ${version}, this one reads ${formatVersion}).`,
      "Update cirlab to read it.",
    );
  try {
    return parseInput(runConfigSchema, value, path);
  } catch (error) {
    if (error instanceof InvalidInputError) throw new RecordingError(error.message, undefined, error);
    throw error;
  }
}
