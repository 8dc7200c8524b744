import { readSync } from "node:fs";
/**
 * A stored memory snapshot: the length of the head (4 bytes, little-endian), the head as JSON, the runs of memory that
 * are not zero one after the other, and the archive of the packages. About half of Python's memory is zero: what is not
 * stored is neither read nor touched, so that a process does not have to pay for it.
 */
export interface SnapshotHead {
  /** What Pyodide puts before the memory: its own head. Base64. */
  preamble: string;
  /** Size of the whole memory. */
  heapBytes: number;
  /** Offset in memory and length of each run. */
  runs: [number, number][];
  /** Length of the zip file with the packages; 0 where there are none. */
  archiveBytes: number;
}

const pageBytes = 4096;
const zeros = Buffer.alloc(pageBytes);
/** Zeros between two runs that are cheaper to store than to skip. */
const gapBytes = 65536;

/** Splits Pyodide's snapshot, whose second word says where the memory begins, and packs it. */
export function packSnapshot(snapshot: Uint8Array, archive: Uint8Array): Buffer {
  const start = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(4, true);
  const memory = snapshot.subarray(start);
  const runs = findRuns(memory);
  const written: SnapshotHead = {
    preamble: Buffer.from(snapshot.subarray(0, start)).toString("base64"),
    heapBytes: memory.byteLength,
    runs,
    archiveBytes: archive.byteLength,
  };
  const text = Buffer.from(JSON.stringify(written));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.byteLength);
  return Buffer.concat([length, text, ...runs.map(([at, size]) => memory.subarray(at, at + size)), archive]);
}

function findRuns(memory: Uint8Array): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at < memory.byteLength; at += pageBytes) {
    const page = memory.subarray(at, at + pageBytes);
    if (isZero(page)) continue;
    const last = runs.at(-1);
    if (last && at - (last[0] + last[1]) <= gapBytes) last[1] = at + page.byteLength - last[0];
    else runs.push([at, page.byteLength]);
  }
  return runs;
}

const isZero = (page: Uint8Array): boolean => zeros.compare(page, 0, page.byteLength, 0, page.byteLength) === 0;

/** Zeroes memory without touching the pages that are zero already: those cost nothing until they are written. */
function clear(memory: Uint8Array): void {
  for (let at = 0; at < memory.byteLength; at += pageBytes) {
    const page = memory.subarray(at, at + pageBytes);
    if (!isZero(page)) page.fill(0);
  }
}

/** An opened snapshot file; all processes share its position, which is therefore never used. */
export class SnapshotFile {
  readonly head: SnapshotHead;
  readonly #descriptor: number;
  readonly #start: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    const length = Buffer.alloc(4);
    this.#read(length, 0);
    const text = Buffer.alloc(length.readUInt32LE());
    this.#read(text, 4);
    this.head = JSON.parse(text.toString("utf8")) as SnapshotHead;
    this.#start = 4 + text.byteLength;
  }

  /** Puts the memory into a heap, whatever that holds. */
  restore(heap: Uint8Array): void {
    let position = this.#start;
    let done = 0;
    for (const [at, size] of this.head.runs) {
      clear(heap.subarray(done, at));
      this.#read(heap.subarray(at, at + size), position);
      position += size;
      done = at + size;
    }
    clear(heap.subarray(done));
  }

  /** The zip file with the packages. */
  archive(): Uint8Array {
    const bytes = new Uint8Array(this.head.archiveBytes);
    this.#read(
      bytes,
      this.head.runs.reduce((position, [, size]) => position + size, this.#start),
    );
    return bytes;
  }

  #read(into: Uint8Array, position: number): void {
    for (let done = 0; done < into.byteLength; ) {
      const count = readSync(this.#descriptor, into, done, into.byteLength - done, position + done);
      if (count === 0) throw new Error("the snapshot is cut short");
      done += count;
    }
  }
}
