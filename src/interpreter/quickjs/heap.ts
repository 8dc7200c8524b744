interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
/** Node's, which its types do not list. */
const { Memory } = (
  globalThis as unknown as { WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => Memory } }
).WebAssembly;

const pageBytes = 65536;
/** What the module asks for at its start; QuickJS itself takes a little of it. Bytes. */
const startBytes = 16 * 2 ** 20;
/** WebAssembly memory never shrinks; a process whose memory has grown beyond this is replaced. Bytes. */
const maxKeptBytes = 128 * 2 ** 20;
/** Room to say what went wrong when the memory is used up. Bytes. */
const reserveBytes = 4 * 2 ** 20;

/**
 * The memory of the WebAssembly module, with a limit: QuickJS's own counts no sizes when it is compiled to WebAssembly,
 * so the growth of the memory is what is limited.
 */
export class Heap {
  readonly memory = new Memory({ initial: startBytes / pageBytes, maximum: 2 ** 31 / pageBytes });
  /** Growth was refused since the last `limit()`. */
  exhausted = false;
  #limitBytes = startBytes;

  constructor() {
    const { memory } = this;
    const grow = memory.grow.bind(memory);
    memory.grow = (pages: number): number => {
      if (memory.buffer.byteLength + pages * pageBytes <= this.#limitBytes) return grow(pages);
      this.exhausted = true;
      throw new RangeError("The memory limit is reached.");
    };
  }

  /** Sets what a snippet may use. */
  limit(memoryMb: number): void {
    this.#limitBytes = startBytes + memoryMb * 2 ** 20;
    this.exhausted = false;
  }

  /** Lets the snippet's end be told. */
  release(): void {
    if (this.exhausted) this.#limitBytes += reserveBytes;
  }

  get reusable(): boolean {
    return this.memory.buffer.byteLength <= maxKeptBytes;
  }
}
