import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../base/files.ts";

const fileName = "settings.schema.json";

const schemaFile = z.looseObject({ type: z.literal("object"), properties: z.record(z.string(), z.looseObject({})) });

/** The settings of a learner by name, each described as JSON Schema does: type, bounds, choices, default. */
export type SettingsSchema = z.infer<typeof schemaFile>["properties"];

/** Writes into a run's folder which settings its learner has, for forms that offer to change them. */
export async function writeSettingsSchema(folder: string, settings: z.ZodType): Promise<void> {
  // What JSON Schema cannot tell, such as code of the user's own, may be anything.
  const schema = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" });
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(schema, null, 2)}\n`);
}

/** The settings of a run's learner; undefined where the folder does not tell them, or not in a way that can be read. */
export async function readSettingsSchema(folder: string): Promise<SettingsSchema | undefined> {
  try {
    const parsed = schemaFile.safeParse(JSON.parse(await readFile(join(folder, fileName), "utf8")));
    return parsed.data?.properties;
  } catch {
    return undefined;
  }
}
