import { join } from "node:path";
import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol } from "../display/host.ts";
import { formatBytes, type MimeBundle, signal, table } from "../display/index.ts";
import { Run } from "../recording/index.ts";
import type { ExportedFile } from "./exported.ts";
import { writeMetrics } from "./metrics.ts";
import { rolloutSource } from "./rollouts.ts";
import { followTensorBoard, writeTensorBoard } from "./tensorboard/write.ts";
import { writeTrl } from "./trl.ts";
import { writeVerl } from "./verl.ts";

/** Where a run can be exported to. */
export const exportFormats = ["tensorboard", "metrics", "trl", "verl"] as const;

const optionsSchema = z.strictObject({
  /**
   * `"tensorboard"`: an event file; `"metrics"`: `metrics.jsonl`, a line for each step; `"trl"`: rollouts in TRL's dataset
   * formats; `"verl"`: tasks and rollouts as verl's Parquet.
   */
  to: z.enum(exportFormats),
  /** Folder of the files. Default: `export/<format>` in the run's folder. */
  out: z.string().min(1).optional(),
  /** First and last step whose rollouts are exported. Default: all. */
  steps: z.tuple([z.int().positive(), z.int().positive()]).optional(),
  /** For TensorBoard: go on with every step of a training under way, until it ends or the cell is interrupted. */
  follow: z.boolean().default(false),
});

export type ExportOptions = z.input<typeof optionsSchema>;

/** What an export has written. */
export class Export {
  readonly run: string;
  readonly to: ExportOptions["to"];
  readonly folder: string;
  readonly files: readonly ExportedFile[];

  constructor(run: string, to: ExportOptions["to"], folder: string, files: readonly ExportedFile[]) {
    this.run = run;
    this.to = to;
    this.folder = folder;
    this.files = files;
  }

  [displaySymbol](): MimeBundle {
    const rows = this.files.map(({ name, rows, bytes }) => ({ file: name, rows, size: formatBytes(bytes) }));
    return table(rows, { caption: `${this.run} for ${this.to}, in ${this.folder}` })[displaySymbol]() as MimeBundle;
  }
}

/**
 * Writes what a run has recorded, finished or still training, in a format that others read. Files of an earlier export to
 * the same folder are replaced. Trackio takes TensorBoard's files
 * (`trackio.import_tf_events`).
 *
 * @param run a run, or its folder.
 * @param interrupt ends what is followed. Default: the cell's interrupt.
 * @example
 * await exportRun(await trainer.openRun("runs"), { to: "tensorboard" });
 * await exportRun("runs/20260801-120000-tiny-math-arithmetic", { to: "verl", out: "data", steps: [50, 60] });
 * @throws RecordingError for a folder that is no run, a damaged one, or one without what is exported; InvalidInputError for
 * options that do not fit. No file is changed then.
 */
export async function exportRun(
  run: Run | string,
  options: ExportOptions,
  interrupt: AbortSignal | undefined = signal(),
): Promise<Export> {
  const { to, out, steps, follow } = parseInput(optionsSchema, options, "export options");
  if (follow && to !== "tensorboard")
    throw new InvalidInputError(`follow goes with "tensorboard" alone, not with "${to}".`, "Export again at the end.");
  if (steps && (to === "tensorboard" || to === "metrics"))
    throw new InvalidInputError(`steps choose rollouts; "${to}" has all steps.`);
  if (steps && steps[1] < steps[0])
    throw new InvalidInputError(`steps go from the first to the last, was ${steps.join(" to ")}.`);
  const source = run instanceof Run ? run : await Run.open(run);
  const folder = out ?? join(source.folder, "export", to);
  const write = {
    tensorboard: () => (follow ? followTensorBoard(source, folder, interrupt) : writeTensorBoard(source, folder)),
    metrics: () => writeMetrics(source, folder),
    trl: async () => writeTrl(await rolloutSource(source, steps), folder),
    verl: async () => writeVerl(await rolloutSource(source, steps), folder),
  }[to];
  return new Export(source.id, to, folder, await write());
}
