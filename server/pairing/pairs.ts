import { createHash } from "node:crypto";
import { constants, lstat, open, rename, rm, stat } from "node:fs/promises";
import { replaceFileAtomic } from "../../src/base/files.ts";
import type { Checkpoints } from "../api/contents/checkpoints.ts";
import type { Notebook } from "../api/contents/notebooks.ts";
import { mergeScript, scriptOf } from "./merge.ts";
import { readPercent, type Script, writePercent } from "./percent.ts";

/**
 * How a notebook and its script stand to each other: `same`; `script`: the script was edited and is taken when the
 * notebook is opened next; `conflict`: both were changed, and neither replaces the other until somebody decides.
 */
export type PairState = "unpaired" | "missing" | "same" | "script" | "conflict";

/** Hashes of a script's text, and of its cells. */
interface Known {
  readonly text: string;
  readonly cells: string;
}

/**
 * Notebooks that are paired with a script in percent format beside them (`metadata.jupytext.formats` is
 * `"ipynb,ts:percent"`, as for jupytext). Files here are paths on disk.
 *
 * A script is replaced only when it holds what this server last read or wrote there, or what the notebook on disk holds.
 */
export class PairedScripts {
  readonly #checkpoints: Checkpoints;
  /** Each script as it was last read into its notebook or written from it. */
  readonly #known = new Map<string, Known>();

  constructor(checkpoints: Checkpoints) {
    this.#checkpoints = checkpoints;
  }

  /** A notebook that was just read, with the source of its script where that is newer. */
  async open(file: string, notebook: Notebook): Promise<Notebook> {
    const script = scriptFile(file, notebook);
    const text = script === undefined ? undefined : await readScript(script);
    if (script === undefined || text === undefined) return notebook;
    const state = await this.#compare(file, script, notebook, text);
    if (state === "conflict") return notebook;
    this.#known.set(script, knownOf(text));
    return state === "script" ? mergeScript(notebook, readPercent(text)) : notebook;
  }

  /**
   * Saves a notebook, and the script first: a crash between the two leaves a script that is newer, which is read at the
   * next opening. When the notebook cannot be written, the script is as before.
   *
   * @param before the notebook as it is on disk; undefined for a new one.
   * @param write writes the notebook.
   */
  async save(
    file: string,
    notebook: Notebook,
    before: () => Promise<Notebook | undefined>,
    write: () => Promise<void>,
  ): Promise<void> {
    const script = scriptFile(file, notebook);
    if (script === undefined) return write();
    const text = writePercent(scriptOf(notebook));
    const old = await readScript(script);
    if (old !== undefined && old !== text && !(await this.#isKnown(script, old, before))) return write();
    if (old !== text) await replaceFileAtomic(script, text);
    this.#known.set(script, knownOf(text));
    try {
      await write();
    } catch (error) {
      if (old === undefined) await rm(script, { force: true });
      else await replaceFileAtomic(script, old);
      throw error;
    }
  }

  /** A notebook was renamed: its script follows, unless a file of that name is there. */
  async rename(from: string, to: string, read: () => Promise<Notebook>): Promise<void> {
    if (!from.endsWith(".ipynb") || !to.endsWith(".ipynb")) return;
    const script = from.replace(/\.ipynb$/, ".ts");
    if (!(await lstat(script).catch(() => undefined))?.isFile()) return;
    const notebook = await read().catch(() => undefined);
    const target = notebook && scriptFile(to, notebook);
    if (target === undefined || (await lstat(target).catch(() => undefined))) return;
    await rename(script, target);
    const known = this.#known.get(script);
    this.#known.delete(script);
    if (known !== undefined) this.#known.set(target, known);
  }

  /** How the notebook on disk and its script stand to each other. */
  async state(file: string, notebook: Notebook): Promise<PairState> {
    const script = scriptFile(file, notebook);
    if (script === undefined) return "unpaired";
    const text = await readScript(script);
    if (text === undefined) return "missing";
    const state = await this.#compare(file, script, notebook, text);
    // Already read: pages have it, and their next save writes it.
    return state === "script" && this.#known.get(script)?.text === hash(text) ? "same" : state;
  }

  /**
   * Decides a conflict. What loses stays as the file's checkpoint.
   *
   * @returns the notebook that is to be written.
   */
  async decide(file: string, notebook: Notebook, winner: "script" | "notebook"): Promise<Notebook> {
    const script = scriptFile(file, notebook);
    const text = script === undefined ? undefined : await readScript(script);
    if (script === undefined || text === undefined) return notebook;
    await this.#checkpoints.create(winner === "script" ? file : script);
    this.#known.set(script, knownOf(text));
    return winner === "script" ? mergeScript(notebook, readPercent(text)) : notebook;
  }

  async #compare(file: string, script: string, notebook: Notebook, text: string): Promise<PairState> {
    if (text === writePercent(scriptOf(notebook)) || holdsSame(notebook, text)) return "same";
    // The notebook's cells are what both last held: it may have been saved since, with other outputs.
    if (this.#known.get(script)?.cells === hash(cellsOf(scriptOf(notebook)))) return "script";
    const [own, other] = await Promise.all([stat(file), stat(script)]);
    return other.mtimeMs > own.mtimeMs ? "script" : "conflict";
  }

  async #isKnown(script: string, text: string, before: () => Promise<Notebook | undefined>): Promise<boolean> {
    if (this.#known.get(script)?.text === hash(text)) return true;
    const notebook = await before();
    return notebook !== undefined && holdsSame(notebook, text);
  }
}

/** The script of a paired notebook. */
export function scriptFile(file: string, { metadata }: Notebook): string | undefined {
  const { formats } = (metadata.jupytext ?? {}) as { formats?: unknown };
  if (typeof formats !== "string" || !file.endsWith(".ipynb")) return undefined;
  const all = formats.split(",").map((format) => format.trim());
  return all.includes("ipynb") && all.includes("ts:percent") ? file.replace(/\.ipynb$/, ".ts") : undefined;
}

/** Whether a script has the notebook's cells, however it is written. */
const holdsSame = (notebook: Notebook, text: string): boolean =>
  cellsOf(scriptOf(notebook)) === cellsOf(readPercent(text));

/** A script's cells, however it is written. */
const cellsOf = ({ cells }: Script): string =>
  JSON.stringify(cells.map(({ cell_type, metadata, source }) => [cell_type, source, sortedEntries(metadata)]));

const knownOf = (text: string): Known => ({ text: hash(text), cells: hash(cellsOf(readPercent(text))) });

const sortedEntries = (metadata: object): [string, unknown][] =>
  Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));

/** A script's text; a link is not followed, it could lead anywhere. */
async function readScript(script: string): Promise<string | undefined> {
  const file = await open(script, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => undefined);
  if (!file) return undefined;
  try {
    return (await file.stat()).isFile() ? await file.readFile("utf8") : undefined;
  } finally {
    await file.close();
  }
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
