import { z } from "zod";

const requestSchema = z.looseObject({
  hist_access_type: z.enum(["range", "tail", "search"]),
  output: z.boolean().default(false),
  session: z.int().default(0),
  start: z.int().default(0),
  stop: z.int().nullish(),
  n: z.int().nullish(),
  pattern: z.string().nullish(),
  unique: z.boolean().nullish(),
});

interface Entry {
  line: number;
  input: string;
  output: string | null;
}

/** Number of this kernel's only session in history replies. */
const session = 1;

/** What was executed, for clients that offer it again. */
export class History {
  readonly #entries: Entry[] = [];

  add(line: number, input: string): void {
    this.#entries.push({ line, input, output: null });
  }

  setOutput(line: number, output: string): void {
    const entry = this.#entries.findLast((e) => e.line === line);
    if (entry) entry.output = output;
  }

  /** The `history` of a history_reply. */
  answer(content: Record<string, unknown>): unknown[] {
    const parsed = requestSchema.safeParse(content);
    if (!parsed.success) return [];
    const request = parsed.data;
    const wanted = this.#select(request);
    return wanted.map(({ line, input, output }) => [session, line, request.output ? [input, output] : input]);
  }

  #select(request: z.infer<typeof requestSchema>): Entry[] {
    const last = <T>(items: T[]) => (typeof request.n === "number" ? items.slice(-Math.max(0, request.n)) : items);
    switch (request.hist_access_type) {
      case "tail":
        return request.n === 0 ? [] : last(this.#entries);
      case "range":
        // Session 0 is the present one and negative numbers count back from it; there are no earlier ones.
        if (request.session !== 0 && request.session !== session) return [];
        return this.#entries.filter(
          (e) => e.line >= request.start && e.line < (request.stop ?? Number.POSITIVE_INFINITY),
        );
      case "search": {
        const pattern = globPattern(request.pattern ?? "*");
        let found = this.#entries.filter((e) => pattern.test(e.input));
        if (request.unique) found = found.filter((e, i) => found.findLastIndex((f) => f.input === e.input) === i);
        return request.n === 0 ? [] : last(found);
      }
    }
  }
}

function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[\\s\\S]*")
    .replaceAll("?", "[\\s\\S]");
  return new RegExp(`^${escaped}$`);
}
