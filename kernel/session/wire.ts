// What the front and the session say to each other. To the session: Node's IPC channel. From it: frames on a pipe that
// are written synchronously, so that output appears while a cell's synchronous code still runs.
import type { ConvertedCell } from "../compiler/cellCompiler.ts";

export type MimeBundle = Record<string, unknown>;

/** Common to all that runs under a message of a client: its `id` is the message's. */
interface CellHead {
  id: string;
  /** Name in stack traces, for example "cell 3". */
  label: string;
  /** The front end's identity of the cell, if it told one. */
  frontCellId?: string;
  /** The subshell that it runs in; absent for the main shell. Cells of different shells run side by side. */
  subshell?: string;
}

/** Code that is to run. The outcome of a `timed` one tells how long it took. */
export type RunMessage = (
  | { type: "execute"; cell: ConvertedCell; source: string; timed?: boolean }
  | { type: "magic"; name: string; args: string; body: string }
) &
  CellHead;

export type ToSession =
  | { type: "exit" }
  /** Work in another folder, with another environment, than this process had when it started. */
  | { type: "settle"; folder: string; env: NodeJS.ProcessEnv }
  /** `interrupts`: how many the process had been ordered before, which are not meant for this run. */
  | (RunMessage & { interrupts: number })
  /** The watchdog hears of an interrupt at once, so perhaps before the run that is meant has come; this follows the run. */
  | { type: "interrupt"; id: string }
  | { type: "inputReply"; request: number; value: string }
  | { type: "inputRefused"; request: number; reason: string }
  | {
      type: "comm";
      event: "open" | "msg" | "close";
      /** The client's message. */
      id: string;
      commId: string;
      target?: string;
      data: unknown;
      metadata: Record<string, unknown>;
      buffers: Uint8Array[];
    };

/** An exception as the protocol tells it. */
export interface ErrorReport {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** How long a cell took: wall clock, and the processor time of all threads of the session. */
export interface Timing {
  wallMs: number;
  userMs: number;
  systemMs: number;
}

export type CellOutcome = { timing?: Timing } & (
  | { status: "ok"; result?: { data: MimeBundle; metadata: Record<string, unknown> } }
  | ({ status: "error"; interrupted: boolean } & ErrorReport)
);

export type FromSession =
  | { type: "ready" }
  | { type: "stream"; id: string | undefined; name: "stdout" | "stderr"; text: string }
  | {
      type: "display";
      id: string | undefined;
      update: boolean;
      displayId?: string;
      data: MimeBundle;
      metadata: Record<string, unknown>;
    }
  | { type: "clear"; id: string | undefined; wait: boolean }
  | { type: "interrupting"; id: string }
  /** The process ends because its own code asked for it. */
  | { type: "exiting"; reason: string }
  | { type: "done"; id: string; defined: string[]; outcome: CellOutcome }
  | { type: "inputRequest"; id: string | undefined; request: number; prompt: string; password: boolean }
  /** Whoever asked no longer waits. */
  | { type: "inputWithdrawn"; request: number }
  | {
      type: "comm";
      event: "open" | "msg" | "close";
      id: string | undefined;
      commId: string;
      target?: string;
      data: unknown;
      metadata: Record<string, unknown>;
    }
  | { type: "commHandled"; id: string };

/** File descriptors of the session process. */
export const outputDescriptor = 3;
export const interruptDescriptor = 4;
export const debugDescriptor = 5;

/** What the front writes to the watchdog, one character each. */
export const interruptOrder = "i";
export const debugOrder = "d";

/** One frame: length of the JSON and number of buffers, the buffers' lengths, then the JSON and the buffers. */
export function encodeFrame(message: FromSession, buffers: readonly Uint8Array[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(8 + 4 * buffers.length);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(buffers.length, 4);
  for (const [i, buffer] of buffers.entries()) head.writeUInt32LE(buffer.length, 8 + 4 * i);
  return Buffer.concat([head, json, ...buffers]);
}

/** Puts frames together again from pieces of any size. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 8;

  /** Adds a piece and returns the messages that it completed. */
  push(chunk: Buffer): { message: FromSession; buffers: Uint8Array[] }[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: { message: FromSession; buffers: Uint8Array[] }[] = [];
    while (this.#size >= this.#needed) {
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      const headLength = 8 + 4 * all.readUInt32LE(4);
      if (all.length < headLength) {
        this.#needed = headLength;
        continue;
      }
      const lengths = [all.readUInt32LE(0)];
      for (let at = 8; at < headLength; at += 4) lengths.push(all.readUInt32LE(at));
      const total = lengths.reduce((sum, length) => sum + length, headLength);
      if (all.length < total) {
        this.#needed = total;
        continue;
      }
      let at = headLength;
      const [json, ...buffers] = lengths.map((length) => {
        at += length;
        return all.subarray(at - length, at);
      });
      messages.push({ message: JSON.parse(json!.toString("utf8")) as FromSession, buffers });
      const rest = all.subarray(total);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#size = rest.length;
      this.#needed = 8;
    }
    return messages;
  }
}
