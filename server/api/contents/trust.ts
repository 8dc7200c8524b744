import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../../src/base/files.ts";
import type { Json, Notebook } from "./notebooks.ts";

const schema = z.object({ key: z.string().min(32), signatures: z.array(z.string()) });

/** Signatures that are kept; the oldest make room. */
const maxSignatures = 20_000;

/**
 * Which notebooks may show outputs that run scripts: those that were saved from pages of this user after every cell with
 * outputs had run there, or were trusted explicitly. A notebook that came from elsewhere, or was edited outside, is
 * shown with its outputs sanitised.
 */
export class NotebookTrust {
  readonly #file: string;
  #state: Promise<z.infer<typeof schema>> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param folder the user's folder in which the signatures are kept. */
  constructor(folder: string) {
    this.#file = join(folder, "trusted-notebooks.json");
  }

  /** A notebook as pages get it: every code cell says whether it is trusted. */
  async mark(notebook: Notebook, bytes: Uint8Array): Promise<Notebook> {
    const { key, signatures } = await this.#load();
    const trusted = signatures.includes(signature(key, bytes));
    const cells = notebook.cells.map((cell) => {
      // What a notebook says of itself does not count.
      const { trusted: _, ...metadata } = (cell.metadata ?? {}) as Record<string, Json>;
      return { ...cell, metadata: cell.cell_type === "code" ? { ...metadata, trusted } : metadata };
    });
    return { ...notebook, cells };
  }

  /**
   * Remembers a notebook if every cell with outputs was trusted in the page that saves it. Called before its file is
   * replaced: whoever reads the new file finds it signed.
   */
  async sign(notebook: Notebook, bytes: Uint8Array): Promise<void> {
    const code = notebook.cells.filter((cell) => cell.cell_type === "code");
    const trusted = code.filter((cell) => (cell.metadata as { trusted?: unknown } | null)?.trusted === true);
    // Saved widgets are outputs of no cell in particular, so that all cells have to answer for them.
    const needed = notebook.metadata.widgets === undefined ? code.filter(hasOutputs) : code;
    const isVouchedFor = notebook.metadata.widgets === undefined || code.length > 0;
    if (isVouchedFor && needed.every((cell) => trusted.includes(cell))) await this.add(bytes);
  }

  async add(bytes: Uint8Array): Promise<void> {
    const state = await this.#load();
    const signed = signature(state.key, bytes);
    if (state.signatures.includes(signed)) return;
    state.signatures.push(signed);
    state.signatures.splice(0, state.signatures.length - maxSignatures);
    // In turn: an older list does not replace a newer one.
    this.#writing = this.#writing
      .then(() => writeFileAtomic(this.#file, JSON.stringify(state), { mode: 0o600 }))
      .catch((error: unknown) => console.error("Which notebooks are trusted could not be written down:", error));
    await this.#writing;
  }

  #load(): Promise<z.infer<typeof schema>> {
    this.#state ??= readFile(this.#file, "utf8")
      .then((text) => schema.parse(JSON.parse(text)))
      .catch(() => ({ key: randomBytes(32).toString("hex"), signatures: [] }));
    return this.#state;
  }
}

const hasOutputs = (cell: Notebook["cells"][number]): boolean => Array.isArray(cell.outputs) && cell.outputs.length > 0;

const signature = (key: string, bytes: Uint8Array): string => createHmac("sha256", key).update(bytes).digest("hex");
