import { TerminalText } from "./terminalText.ts";

/** An output of a code cell, as nbformat describes it. */
export type Output = { output_type: string } & Record<string, unknown>;

/** Characters of one stream that are kept; the oldest lines make room. */
const maxStreamChars = 16_000_000;
const droppedNote = "[earlier output was dropped]\n";

interface Stream {
  name: string;
  text: TerminalText;
  isCut: boolean;
}

/**
 * What a cell shows, built from the kernel's messages as JupyterLab's output area builds it: neighbouring pieces of a
 * stream are one output, `clear_output` may wait for the next output, displays are replaced by their id.
 */
export class CellOutputs {
  #items: (Output | Stream)[] = [];
  /** Positions of the displays with an id. */
  #displays = new Map<string, number[]>();
  #clearNext = false;

  /** The outputs as a notebook file holds them. */
  toJSON(): Output[] {
    return this.#items.map((item) => (isStream(item) ? streamOutput(item, item.text.text) : item));
  }

  /** Outputs from which a page can go on: the last stream also says where its next character belongs. */
  resumable(): { outputs: Output[]; displays: [id: string, indices: number[]][]; clearNext: boolean } {
    const outputs = this.#items.map((item, i) =>
      isStream(item) ? streamOutput(item, i === this.#items.length - 1 ? item.text.script : item.text.text) : item,
    );
    return { outputs, displays: [...this.#displays], clearNext: this.#clearNext };
  }

  /** Begins with outputs that are there already, for example those of a file. */
  load(outputs: readonly Output[]): void {
    for (const output of outputs)
      if (output.output_type === "stream") this.write(String(output.name), String(output.text));
      else this.#items.push(output);
  }

  /** Where the displays with an id stand. */
  get displays(): [id: string, indices: number[]][] {
    return [...this.#displays];
  }

  /** Says again which outputs may be replaced by their id, after `load`. */
  restoreDisplays(displays: readonly (readonly [id: string, indices: readonly number[]])[]): void {
    for (const [id, indices] of displays) {
      const valid = indices.filter((index) => {
        const item = this.#items[index];
        return item && !isStream(item) && item.output_type === "display_data";
      });
      if (valid.length > 0) this.#displays.set(id, valid);
    }
  }

  /**
   * Takes from another account of the same run everything up to a text that stands in both.
   *
   * @returns false when it does not.
   */
  replaceUpTo(text: string, other: readonly Output[]): boolean {
    const { outputs: mine } = this.resumable();
    const [here, there] = [placeOf(mine, text), placeOf(other, text)];
    if (here < 0 || there < 0) return false;
    const [before, after] = [String(other[there]!.text), String(mine[here]!.text)];
    const seam = {
      ...mine[here]!,
      text: before.slice(0, before.indexOf(text)) + after.slice(after.indexOf(text)),
    };
    const displays = this.displays.map(([id, indices]) => {
      const moved = indices.map((index) => (index > here ? index + there - here : index));
      return [id, moved] as const;
    });
    this.#empty();
    this.load([...other.slice(0, there), seam, ...mine.slice(here + 1)]);
    this.restoreDisplays(displays);
    return true;
  }

  write(name: string, text: string): void {
    this.#clearIfDue();
    let last = this.#items.at(-1);
    if (!last || !isStream(last) || last.name !== name) {
      last = { name, text: new TerminalText(), isCut: false };
      this.#items.push(last);
    }
    last.text.write(text);
    if (last.text.length <= maxStreamChars) return;
    last.text.keepLast(maxStreamChars / 2);
    last.isCut = true;
  }

  /** Adds a display, a result or an error: the content of the message of that type. */
  add(type: string, content: Record<string, unknown>): void {
    this.#clearIfDue();
    this.#items.push(asOutput(type, content));
    const id = displayId(content);
    if (id === undefined || type !== "display_data") return;
    this.#displays.set(id, [...(this.#displays.get(id) ?? []), this.#items.length - 1]);
  }

  /** Replaces the displays of an id. Returns whether there are any. */
  update(id: string, content: Record<string, unknown>): boolean {
    const indices = this.#displays.get(id) ?? [];
    for (const index of indices) this.#items[index] = asOutput("display_data", content);
    return indices.length > 0;
  }

  clear(wait: boolean): void {
    if (wait) this.#clearNext = true;
    else this.#empty();
  }

  /** Rough size in memory, in characters. */
  get size(): number {
    let size = 0;
    for (const item of this.#items) size += isStream(item) ? item.text.length : JSON.stringify(item).length;
    return size;
  }

  #clearIfDue(): void {
    if (this.#clearNext) this.#empty();
    this.#clearNext = false;
  }

  #empty(): void {
    this.#items = [];
    this.#displays.clear();
  }
}

/** The id under which a display may be replaced later. */
export function displayId(content: Record<string, unknown>): string | undefined {
  const id = (content.transient as { display_id?: unknown } | undefined)?.display_id;
  return typeof id === "string" && id !== "" ? id : undefined;
}

function asOutput(type: string, { transient: _, ...content }: Record<string, unknown>): Output {
  return { ...content, output_type: type };
}

function streamOutput({ name, isCut }: Stream, text: string): Output {
  return { output_type: "stream", name, text: isCut ? droppedNote + text : text };
}

const placeOf = (outputs: readonly Output[], text: string): number =>
  outputs.findLastIndex((output) => output.output_type === "stream" && String(output.text).includes(text));

function isStream(item: Output | Stream): item is Stream {
  return !("output_type" in item);
}
