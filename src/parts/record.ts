import { z } from "zod";

/** What a recorded configuration says in place of a part of the user's own. */
export const partReferenceSchema = z.object({ own: z.string(), hash: z.string() });
export type PartReference = z.infer<typeof partReferenceSchema>;

const capturedSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("function"), source: z.string() }),
  z.object({ kind: z.literal("data"), json: z.unknown() }),
  z.object({ kind: z.literal("digest"), sha256: z.string(), characters: z.number() }),
  z.object({
    kind: z.literal("import"),
    module: z.string(),
    files: z
      .array(z.object({ path: z.string(), sha256: z.string() }))
      .readonly()
      .optional(),
  }),
]);

/** A part as a file of a run's folder holds it: plain data. */
export const partRecordSchema = z.object({
  kind: z.string(),
  name: z.string(),
  hash: z.string(),
  /** The lines of its functions, by what they are for. */
  functions: z.record(z.string(), z.array(z.string())),
  captured: z.record(z.string(), capturedSchema),
  unrecorded: z.array(z.string()).readonly(),
  options: z.record(z.string(), z.unknown()),
});
export type PartRecord = z.infer<typeof partRecordSchema>;

/** Whether a value stands for a part in a recorded configuration. */
export const isPartReference = (value: unknown): value is PartReference => partReferenceSchema.safeParse(value).success;

/** All of a part as text to read and to compare: its code, what that reads, its options. */
export function partText({ functions, captured, unrecorded, options }: PartRecord): string {
  const names = Object.keys(functions);
  const code = names.map((name) => [...(names.length > 1 ? [`// ${name}`] : []), ...functions[name]!].join("\n"));
  const read = Object.keys(captured)
    .sort()
    .map((name) => capturedText(name, captured[name]!));
  const settings = Object.keys(options).length ? [`// options: ${JSON.stringify(options)}`] : [];
  const unknown = unrecorded.length ? [`// reads, not recorded: ${unrecorded.join(", ")}`] : [];
  return [...code, ...read, ...settings, ...unknown].join("\n\n");
}

function capturedText(name: string, captured: PartRecord["captured"][string]): string {
  if (captured.kind === "function") return `// reads ${name}:\n${captured.source}`;
  if (captured.kind === "import") {
    const files = captured.files?.map(({ path, sha256 }) => `//   ${path}, sha-256 ${sha256}`) ?? [];
    return [`// reads ${name} from ${JSON.stringify(captured.module)}`, ...files].join("\n");
  }
  if (captured.kind === "digest")
    return `// reads ${name}: ${captured.characters} characters of data, sha-256 ${captured.sha256}`;
  return `// reads ${name} = ${JSON.stringify(captured.json, null, 1).replaceAll("\n", "\n//")}`;
}
