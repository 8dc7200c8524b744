import { writeSync } from "node:fs";
import { isCaptured } from "./capture.ts";
import { guard } from "./guard.ts";
import { encodeFrame, type FromSession, outputDescriptor } from "./wire.ts";

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Frames that are not wholly written yet; the code that wrote them may have been cut by an interrupt. */
const waiting: Buffer[] = [];
let written = 0;

/** Tells the front something, before the next statement runs. */
export function emit(message: FromSession, buffers: readonly Uint8Array[] = []): void {
  if ((message.type === "stream" || message.type === "display" || message.type === "clear") && isCaptured(message))
    return;
  const frame = encodeFrame(message, buffers);
  guard.whole(() => waiting.push(frame));
  while (!guard.whole(writeMore)) {
    // The pipe is full: wait a millisecond for the front to read on.
    Atomics.wait(nap, 0, 0, 1);
  }
}

/** Writes what the pipe takes. Returns whether that was all. */
function writeMore(): boolean {
  while (waiting.length > 0) {
    try {
      written += writeSync(outputDescriptor, waiting[0]!, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
    if (written < waiting[0]!.length) continue;
    waiting.shift();
    written = 0;
  }
  return true;
}
