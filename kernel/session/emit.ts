import { writeSync } from "node:fs";
import { isCaptured } from "./capture.ts";
import { encodeFrame, type FromSession, outputDescriptor } from "./wire.ts";

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Tells the front something, before the next statement runs. */
export function emit(message: FromSession, buffers: readonly Uint8Array[] = []): void {
  if ((message.type === "stream" || message.type === "display" || message.type === "clear") && isCaptured(message))
    return;
  const frame = encodeFrame(message, buffers);
  for (let written = 0; written < frame.length; ) {
    try {
      written += writeSync(outputDescriptor, frame, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN") throw error;
      // The pipe is full: wait a millisecond for the front to read on.
      Atomics.wait(nap, 0, 0, 1);
    }
  }
}
