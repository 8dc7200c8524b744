import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { z } from "zod";
import { userDataFolder } from "../specs/paths.ts";
import { type HistoryContents, type HistoryEntry, HistoryFile, type HistoryRecord } from "./historyFile.ts";

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
type HistoryRequest = z.infer<typeof requestSchema>;

/** Cells are written together after this time, so that a cell's reply does not wait for a disk. */
const writeDelayMs = 200;
/** Longer texts are remembered by this kernel only. */
const longestStored = 2 ** 20;
const keptEntries = 10_000;

/**
 * File that inputs are kept in: `CIRLAB_HISTORY` names another one, or says `off` (they are forgotten with the kernel).
 */
export function historyPath(env: NodeJS.ProcessEnv): string | undefined {
  const named = env.CIRLAB_HISTORY;
  if (named === "off") return undefined;
  return named ? resolve(named) : join(userDataFolder(env), "cirlab", "history.jsonl");
}

/**
 * What was executed, in this session and in earlier ones, for clients that offer it again. A file that cannot be written
 * is told of once on standard error; the kernel then remembers its own session.
 */
export class History {
  readonly #id = randomUUID();
  readonly #own: Omit<HistoryEntry, "session">[] = [];
  #file: HistoryFile | undefined;
  #isOpen = false;
  #hasWritten = false;
  #waiting: HistoryRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  add(line: number, input: string): void {
    this.#own.push({ line, input, output: null });
    this.#store({ session: this.#id, line, in: input }, input);
  }

  setOutput(line: number, output: string): void {
    const entry = this.#own.findLast((e) => e.line === line);
    if (!entry) return;
    entry.output = output;
    this.#store({ session: this.#id, line, out: output }, output);
  }

  /** The `history` of a history_reply; empty for a request that is none. */
  async answer(content: Record<string, unknown>): Promise<unknown[]> {
    const parsed = requestSchema.safeParse(content);
    if (!parsed.success) return [];
    const request = parsed.data;
    const { earlier, present, number } = await this.#all();
    return select(request, earlier, present, number).map(({ session, line, input, output }) => [
      session,
      line,
      request.output ? [input, output] : input,
    ]);
  }

  /** Writes what waits; called when the kernel ends. */
  async close(): Promise<void> {
    await this.#flush();
  }

  /** The entries of other sessions, of this one, and this one's number. */
  async #all(): Promise<{ earlier: HistoryEntry[]; present: HistoryEntry[]; number: number }> {
    await this.#flush();
    let contents: HistoryContents | undefined;
    try {
      contents = await this.#open()?.read();
    } catch (error) {
      this.#giveUp(error as Error);
    }
    const { entries, sessions } = contents ?? { entries: [], sessions: new Map<string, number>() };
    // A session that has executed nothing has no number in the file yet.
    const number = sessions.get(this.#id) ?? Math.max(0, ...sessions.values()) + 1;
    return {
      earlier: entries.filter((entry) => entry.session !== number),
      present: this.#own.map((entry) => ({ session: number, ...entry })),
      number,
    };
  }

  #open(): HistoryFile | undefined {
    if (this.#isOpen) return this.#file;
    this.#isOpen = true;
    const path = historyPath(process.env);
    this.#file = path === undefined ? undefined : new HistoryFile(path);
    return this.#file;
  }

  #store(record: HistoryRecord, text: string): void {
    if (text.length > longestStored) return;
    this.#waiting.push(record);
    this.#timer ??= setTimeout(() => void this.#flush(), writeDelayMs).unref();
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#waiting;
    this.#waiting = [];
    if (records.length > 0) this.#writing = this.#writing.then(() => this.#write(records));
    return this.#writing;
  }

  async #write(records: HistoryRecord[]): Promise<void> {
    const file = this.#open();
    if (!file) return;
    try {
      if (!this.#hasWritten) await file.compact(keptEntries);
      this.#hasWritten = true;
      await file.append([{ session: this.#id }, ...records]);
    } catch (error) {
      this.#giveUp(error as Error);
    }
  }

  #giveUp(error: Error): void {
    console.error(
      `cirlab kernel: the history cannot be kept (${error.message}). ` +
        "Name a file that can be written in CIRLAB_HISTORY, or set it to off.",
    );
    this.#file = undefined;
  }
}

/** The present session stands last: what was typed here is nearest. */
function select(request: HistoryRequest, earlier: HistoryEntry[], present: HistoryEntry[], number: number) {
  const last = <T>(items: T[]) => (typeof request.n === "number" ? items.slice(-Math.max(0, request.n)) : items);
  switch (request.hist_access_type) {
    case "tail":
      return request.n === 0 ? [] : last([...earlier, ...present]);
    case "range": {
      // Session 0 is the present one, and negative numbers count back from it.
      const session = request.session <= 0 ? number + request.session : request.session;
      const stop = request.stop ?? Number.POSITIVE_INFINITY;
      return (session === number ? present : earlier).filter(
        (e) => e.session === session && e.line >= request.start && e.line < stop,
      );
    }
    case "search": {
      const glob = request.pattern ?? "*";
      const found = [...earlier, ...present].filter((e) => matchesGlob(e.input, glob));
      const newest = new Map(found.map((e) => [e.input, e]));
      const wanted = request.unique ? found.filter((e) => newest.get(e.input) === e) : found;
      return request.n === 0 ? [] : last(wanted);
    }
  }
}

/** Whether the whole text is what the glob describes (`*` any text, `?` any character); quick for every glob. */
function matchesGlob(text: string, glob: string): boolean {
  let [at, place] = [0, 0];
  let [star, retry] = [-1, 0];
  while (at < text.length) {
    if (glob[place] === "*") {
      star = place++;
      retry = at;
    } else if (place < glob.length && (glob[place] === "?" || glob[place] === text[at])) {
      at++;
      place++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++retry;
    } else return false;
  }
  while (glob[place] === "*") place++;
  return place === glob.length;
}
