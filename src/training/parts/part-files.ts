import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Part, type PartRecord, type PartReference, partRecordSchema } from "../../parts/index.ts";
import { RecordingError } from "../../recording/index.ts";

/** Where a part's code lies in a run's folder; every version has a file of its own. */
export function partFile({ own, hash }: PartReference): string {
  const slug =
    own
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "part";
  return `parts/${slug}-${hash.slice(0, 12)}.json`;
}

/** The text of such a file. */
export const partFileText = ({ record }: Part): string => `${JSON.stringify(record, null, 2)}\n`;

/** Writes down the parts whose files are not there yet; before anything that names them is recorded. */
export function recordParts(folder: string, parts: readonly Part[] = []): void {
  for (const part of parts) {
    const path = join(folder, partFile(part.toJSON()));
    if (existsSync(path)) continue;
    mkdirSync(join(folder, "parts"), { recursive: true });
    writeFileSync(`${path}.tmp`, partFileText(part));
    renameSync(`${path}.tmp`, path);
  }
}

/** @throws RecordingError for a file that is missing or damaged. */
export async function readPart(folder: string, reference: PartReference): Promise<PartRecord> {
  const path = join(folder, partFile(reference));
  try {
    return partRecordSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new RecordingError(`${path} does not hold the part ${JSON.stringify(reference.own)}.`, undefined, error);
  }
}
