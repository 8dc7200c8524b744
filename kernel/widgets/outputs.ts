import type { CapturedMessage } from "./host.ts";

/** One output as notebooks store it. */
export type StoredOutput =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | { output_type: "display_data"; data: Record<string, unknown>; metadata: Record<string, unknown> };

type Display = Extract<CapturedMessage, { type: "display" }>;

/** Puts together what a cell would show: neighbouring text joined, lines overwritten, displays updated in place. */
export class OutputList {
  #items: (StreamText | DisplayItem)[] = [];
  #clearsNext = false;

  get all(): StoredOutput[] {
    return this.#items.map((item) => item.stored());
  }

  /** About how many characters all of it is. */
  get size(): number {
    return this.#items.reduce((sum, item) => sum + item.size, 0);
  }

  /** @returns whether anything is to be seen of it */
  add(message: CapturedMessage): boolean {
    if (message.type === "clear") {
      this.#clearsNext = message.wait;
      if (!message.wait) this.#items = [];
      return !message.wait;
    }
    if (this.#clearsNext) this.#items = [];
    this.#clearsNext = false;
    if (message.type === "stream") this.#stream(message.name).add(message.text);
    else this.#items.push(new DisplayItem(message));
    return true;
  }

  /** @returns whether the display is one of these */
  update(message: Display): boolean {
    if (message.displayId === undefined) return false;
    const same = this.#items.filter((item) => item instanceof DisplayItem && item.displayId === message.displayId);
    for (const item of same) this.#items[this.#items.indexOf(item)] = new DisplayItem(message);
    return same.length > 0;
  }

  #stream(name: "stdout" | "stderr"): StreamText {
    const last = this.#items.at(-1);
    if (last instanceof StreamText && last.name === name) return last;
    const stream = new StreamText(name);
    this.#items.push(stream);
    return stream;
  }
}

class DisplayItem {
  readonly displayId: string | undefined;
  readonly size: number;
  readonly #message: Display;

  constructor(message: Display) {
    this.displayId = message.displayId;
    this.size = JSON.stringify(message.data).length;
    this.#message = message;
  }

  stored(): StoredOutput {
    return { output_type: "display_data", data: this.#message.data, metadata: this.#message.metadata };
  }
}

/** Text as a terminal would have it: a carriage return goes back to the start of the line. */
class StreamText {
  readonly name: "stdout" | "stderr";
  /** Whole lines. Joined only when asked for: ten thousand prints are no ten thousand copies. */
  #settled: string[] = [];
  #settledSize = 0;
  #line = "";
  /** Where in the line the next text goes. */
  #column = 0;

  constructor(name: "stdout" | "stderr") {
    this.name = name;
  }

  get size(): number {
    return this.#settledSize + this.#line.length;
  }

  add(text: string): void {
    for (const [i, line] of text.split("\n").entries()) {
      if (i > 0) this.#settle();
      for (const [j, piece] of line.split("\r").entries()) {
        if (j > 0) this.#column = 0;
        this.#write(piece);
      }
    }
  }

  stored(): StoredOutput {
    this.#settled = [this.#settled.join("")];
    return { output_type: "stream", name: this.name, text: this.#settled[0] + this.#line };
  }

  #settle(): void {
    this.#settled.push(`${this.#line}\n`);
    this.#settledSize += this.#line.length + 1;
    this.#line = "";
    this.#column = 0;
  }

  #write(text: string): void {
    const end = this.#column + text.length;
    this.#line = this.#line.slice(0, this.#column) + text + this.#line.slice(end);
    this.#column = end;
  }
}
