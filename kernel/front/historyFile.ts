import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";

/** What was executed under one number of one session. */
export interface HistoryEntry {
  session: number;
  line: number;
  input: string;
  output: string | null;
}

const recordSchema = z.union([
  z.object({ session: z.string(), line: z.int(), in: z.string() }),
  z.object({ session: z.string(), line: z.int(), out: z.string() }),
  z.object({ session: z.string(), number: z.int().positive().optional() }),
]);
export type HistoryRecord = z.infer<typeof recordSchema>;

/** A lock that is older belongs to a process that died. */
const staleLockMs = 60_000;

/** What a history file holds. */
export interface HistoryContents {
  /** Ordered by session, then by line. */
  entries: HistoryEntry[];
  /** Number of each session id. */
  sessions: Map<string, number>;
}

/**
 * A file of JSON lines that several kernels append to at once: a line for each session (its number stands in it, or is one
 * more than the highest before), each input and each output. Lines that cannot be read are passed over, such as the torn last
 * one of a machine that went down.
 */
export class HistoryFile {
  readonly path: string;
  #seen: { stamp: string; contents: HistoryContents } | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Everything in the file; nothing when there is none. Read again only after a change. */
  async read(): Promise<HistoryContents> {
    const now = await stat(this.path).catch(() => undefined);
    const stamp = now ? `${now.ino} ${now.size} ${now.mtimeMs}` : "none";
    if (this.#seen?.stamp !== stamp) {
      this.#seen = { stamp, contents: parse(now ? await readFile(this.path, "utf8") : "") };
    }
    return this.#seen.contents;
  }

  /** Adds whole lines in one write. @throws the file system's error. */
  async append(records: readonly HistoryRecord[]): Promise<void> {
    // The line before may be torn: an empty line keeps these apart from it.
    const text = `\n${records.map((record) => JSON.stringify(record)).join("\n")}\n`;
    for (;;) {
      const file = await this.#open();
      try {
        await file.appendFile(text);
        // Another kernel may have replaced the file between the two calls; double lines do no harm.
        const [written, present] = await Promise.all([file.stat(), stat(this.path).catch(() => undefined)]);
        if (written.ino === present?.ino) return;
      } finally {
        await file.close();
      }
    }
  }

  /**
   * Keeps only the newest `keep` entries, when there are a quarter more. One kernel does this at a time, and what others
   * append meanwhile is kept.
   */
  async compact(keep: number): Promise<void> {
    const { entries } = await this.read();
    if (entries.length <= keep * 1.25) return;
    const lock = `${this.path}.lock`;
    const held = await stat(lock).catch(() => undefined);
    if (held && Date.now() - held.mtimeMs > staleLockMs) await rm(lock, { force: true });
    const mine = await open(lock, "wx", 0o600).catch(() => undefined);
    if (!mine) return;
    const temporary = `${this.path}.${randomUUID()}`;
    let old: FileHandle | undefined;
    try {
      old = await open(this.path, "r");
      const before = await old.readFile();
      const next = await open(temporary, "wx", 0o600);
      await next.writeFile(serialize(parse(before.toString()), keep));
      await next.close();
      await rename(temporary, this.path);
      // Whoever appended to the old file since it was read, and saw no new one, is still in here.
      const { size } = await old.stat();
      if (size > before.length) {
        const late = Buffer.alloc(size - before.length);
        await old.read(late, 0, late.length, before.length);
        const file = await this.#open();
        await file.appendFile(late);
        await file.close();
      }
    } finally {
      await old?.close();
      await mine.close();
      await rm(temporary, { force: true });
      await rm(lock, { force: true });
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      return await open(this.path, "a", 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      return open(this.path, "a", 0o600);
    }
  }
}

function parse(text: string): HistoryContents {
  const sessions = new Map<string, number>();
  const found = new Map<string, HistoryEntry>();
  let last = 0;
  for (const line of text.split("\n")) {
    const record = parseLine(line);
    if (!record) continue;
    const { session } = record;
    if (!("line" in record)) {
      if (!sessions.has(session)) sessions.set(session, record.number ?? last + 1);
      last = Math.max(last, sessions.get(session)!);
      continue;
    }
    const number = sessions.get(session);
    if (number === undefined) continue;
    const key = `${number}:${record.line}`;
    const entry = found.get(key);
    if ("in" in record) {
      if (!entry) found.set(key, { session: number, line: record.line, input: record.in, output: null });
    } else if (entry) entry.output = record.out;
  }
  const entries = [...found.values()].sort((a, b) => a.session - b.session || a.line - b.line);
  return { entries, sessions };
}

function parseLine(line: string): HistoryRecord | undefined {
  if (line === "") return undefined;
  try {
    return recordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The newest `keep` entries. Sessions keep their numbers; the last one stays, so that no number is given twice. */
function serialize({ entries, sessions }: HistoryContents, keep: number): string {
  const kept = entries.slice(-keep);
  const numbers = new Set(kept.map((entry) => entry.session));
  const ids = new Map([...sessions].map(([id, number]) => [number, id]));
  const last = Math.max(...sessions.values());
  const lines = [...sessions]
    .sort(([, a], [, b]) => a - b)
    .filter(([, number]) => numbers.has(number) || number === last)
    .map(([session, number]): HistoryRecord => ({ session, number }));
  for (const { session, line, input, output } of kept) {
    const id = ids.get(session)!;
    lines.push({ session: id, line, in: input });
    if (output !== null) lines.push({ session: id, line, out: output });
  }
  return `${lines.map((record) => JSON.stringify(record)).join("\n")}\n`;
}
