import { setImmediate as nextTurn } from "node:timers/promises";
import { megabyte } from "./bodies.ts";

/** Between two parts of long work on so many bytes: whoever waits for something else is answered first. */
export async function giveWay(bytes: number): Promise<void> {
  if (bytes > megabyte) await nextTurn();
}

/** The bytes of a text that is made piece by piece; gives way between them. */
export async function gather(pieces: Iterable<string>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let made = 0;
  for (const piece of pieces) {
    const part = Buffer.from(piece);
    parts.push(part);
    made += part.length;
    if (made <= megabyte) continue;
    await giveWay(made);
    made = 0;
  }
  return Buffer.concat(parts);
}
