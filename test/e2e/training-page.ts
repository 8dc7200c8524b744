import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { type RecordedEvent, Run } from "../../src/recording/index.ts";

/** The first run recorded below a folder, and what it has recorded by now. */
export async function recordedRun(folder: string): Promise<{ run: Run; events: RecordedEvent[] }> {
  const [id] = await readdir(join(folder, "runs"));
  const run = await Run.open(join(folder, "runs", id!));
  return { run, events: await run.events() };
}

/** Until a view of the run of `trainingCell` shows a few of its steps, how long they take, and its charts. */
export async function showsTraining(view: Locator): Promise<void> {
  await view
    .locator(".cirlab-run-status", { hasText: /step ([3-9]|[1-9]\d+) of 100000 · .* a step · about .* left/ })
    .waitFor();
  assert.ok((await view.locator("canvas").count()) >= 8);
  await view.locator('[data-metric="reward"]', { hasText: /\d/ }).waitFor();
}
