import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/files.ts";
import { followEvents, type Run } from "../../recording/index.ts";
import type { ExportedFile } from "../exported.ts";
import { openingOf, recordsOf } from "./events-of-run.ts";

/** Always the same for a run: another export takes the place of the one before. */
const fileName = ({ config }: Run): string =>
  `events.out.tfevents.${Math.floor(Date.parse(config.createdAt) / 1000)}.cirlab`;

/** Writes what a run has recorded so far as a TensorBoard event file. */
export async function writeTensorBoard(run: Run, folder: string): Promise<ExportedFile[]> {
  const events = await run.events();
  const data = Buffer.concat([openingOf(run.config), recordsOf(events)]);
  await writeFileAtomic(join(folder, fileName(run)), data);
  return [{ name: fileName(run), rows: events.filter(({ type }) => type === "step").length, bytes: data.length }];
}

/** The same, and then every event as it comes, until nobody trains the run any more or `signal` aborts. */
export async function followTensorBoard(run: Run, folder: string, signal?: AbortSignal): Promise<ExportedFile[]> {
  const path = join(folder, fileName(run));
  const opening = openingOf(run.config);
  await writeFileAtomic(path, opening);
  let [rows, bytes] = [0, opening.length];
  for await (const events of followEvents(run.folder, signal)) {
    const data = recordsOf(events);
    await appendFile(path, data);
    rows += events.filter(({ type }) => type === "step").length;
    bytes += data.length;
  }
  return [{ name: fileName(run), rows, bytes }];
}
