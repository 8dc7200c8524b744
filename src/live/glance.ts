import { open } from "node:fs/promises";
import { join } from "node:path";
import { lockOwner } from "../recording/lock.ts";
import { readEvent } from "../recording/read-event.ts";
import { type Standing, standingOf } from "../recording/standing.ts";
import { Timeline } from "../recording/timeline.ts";

/** How a run stands, in short. */
export interface Glance {
  readonly state: Standing;
  readonly step: number;
}

const tailBytes = 64 * 1024;
/** Looks that are remembered, for runs that nothing has happened in since. */
const remembered = 5_000;

/** Tells how runs stand from the ends of their files, so that a list of hundreds costs little. */
export class Glances {
  readonly #timelines = new Map<string, { key: string; timeline: Timeline }>();

  async of(folder: string): Promise<Glance> {
    const timeline = await this.#timeline(folder);
    const isOpen = ["new", "running", "paused"].includes(timeline.state);
    const isTrained = isOpen && (await lockOwner(folder)) !== undefined;
    return { state: standingOf(timeline, isTrained), step: timeline.step };
  }

  async #timeline(folder: string): Promise<Timeline> {
    const file = await open(join(folder, "events.jsonl"), "r").catch(() => undefined);
    if (!file) return new Timeline();
    try {
      const { size, mtimeMs, ino } = await file.stat();
      const key = `${ino}:${size}:${mtimeMs}`;
      const known = this.#timelines.get(folder);
      if (known?.key === key) return known.timeline;
      const start = Math.max(0, size - tailBytes);
      const data = Buffer.alloc(size - start);
      await file.read(data, 0, data.length, start);
      const timeline = endOf(data.toString("utf8"), start === 0);
      this.#timelines.delete(folder);
      this.#timelines.set(folder, { key, timeline });
      if (this.#timelines.size > remembered) this.#timelines.delete(this.#timelines.keys().next().value!);
      return timeline;
    } finally {
      await file.close();
    }
  }
}

/** What the last lines of a recording amount to. */
function endOf(text: string, isWhole: boolean): Timeline {
  const timeline = new Timeline();
  // Steps without the beginning of their training: it had begun.
  if (!isWhole) timeline.state = "running";
  const lines = text.split("\n").slice(isWhole ? 0 : 1, -1);
  for (const line of lines) {
    try {
      const event = readEvent(JSON.parse(line), "a line");
      if (event) timeline.add(event);
    } catch {
      // A damaged line tells nothing.
    }
  }
  return timeline;
}
