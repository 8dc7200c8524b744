import { join } from "node:path";
import { RecordingError } from "./errors.ts";
import { folderChange, JsonLinesTail } from "./json-lines.ts";
import { lockOwner } from "./lock.ts";
import type { RecordedEvent } from "./messages.ts";
import { readEvent } from "./read-event.ts";

/**
 * A run's events, those of before first, then as they are appended, until nobody trains it any more or `signal` aborts.
 * Each batch holds at least one.
 *
 * @param folder the run's folder.
 * @throws RecordingError naming a line that is damaged.
 */
export async function* followEvents(folder: string, signal?: AbortSignal): AsyncGenerator<RecordedEvent[]> {
  const path = join(folder, "events.jsonl");
  const tail = new JsonLinesTail(path);
  for (let line = 0; ; ) {
    // Asked before reading: who has gone had written everything.
    const isTrained = (await lockOwner(folder)) !== undefined;
    const lines = tail.next();
    const events = lines.flatMap((text, i) => {
      const where = `${path}, line ${line + i + 1}`;
      return readEvent(parsed(text, where), where) ?? [];
    });
    line += lines.length;
    if (events.length) yield events;
    if (!isTrained || signal?.aborted) return;
    await folderChange(folder, signal);
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordingError(`${where} is damaged: it is not JSON.`, undefined, error);
  }
}
