import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../src/base/modules.ts";
import { RandomStream } from "../../src/base/random.ts";
import { listRuns, Run, stepsOf } from "../../src/recording/index.ts";
import { runsFolder } from "./time-tools.ts";

const child = fileURLToPath(siblingModule(import.meta.url, "./time-child"));

/** Trains in a process of its own; `killAfter` milliseconds from its first word on it is killed. @returns its lines. */
async function train(
  record: string,
  steps: number,
  killAfter?: number,
): Promise<{ lines: string[]; trainedMs: number }> {
  const running = spawn(process.execPath, [child, record, String(steps)], { stdio: ["ignore", "pipe", "pipe"] });
  let problems = "";
  running.stderr.on("data", (data: Buffer) => (problems += data.toString()));
  const lines: string[] = [];
  let started = 0;
  let ended = 0;
  const reader = createInterface({ input: running.stdout });
  reader.on("line", (line) => {
    lines.push(line);
    ended = performance.now();
    started ||= ended;
    if (lines.length === 1 && killAfter !== undefined) setTimeout(() => running.kill("SIGKILL"), killAfter);
  });
  const [[code]] = await Promise.all([once(running, "exit"), once(reader, "close")]);
  if (killAfter === undefined) assert.equal(code, 0, problems);
  return { lines, trainedMs: ended - started };
}

/**
 * Kills a training with SIGKILL at random moments, takes it up in a new process each time, and compares its last state with
 * that of one that was never disturbed. With a checkpoint a step, only the step in flight may be lost.
 */
export async function killTraining(options: { kills: number; steps: number; seed: number }): Promise<string> {
  const { kills, steps } = options;
  const [calm, stormy] = [await runsFolder(), await runsFolder()];
  const undisturbed = await train(calm, steps);
  const wanted = undisturbed.lines.at(-1)!;
  assert.match(wanted, /^hash /);
  const stepMs = undisturbed.trainedMs / steps;
  const random = new RandomStream(options.seed, "kills");
  let killed = 0;
  let starts = 0;
  let before = 0;
  for (;;) {
    const isLast = killed >= kills;
    // Up to three steps, so that kills meet every part of one.
    const { lines } = await train(stormy, steps, isLast ? undefined : random.next() * 3 * stepMs);
    starts++;
    const at = Number(lines[0]?.slice("at ".length) ?? before);
    assert.ok(at >= before, `taken up at step ${at}, but step ${before} was finished before`);
    const last = lines.findLast((line) => line.startsWith("step "));
    before = last ? Number(last.slice("step ".length)) : at;
    const end = lines.at(-1)!;
    if (end?.startsWith("hash ")) {
      assert.equal(end, wanted, `after ${killed} kills`);
      if (killed >= kills) break;
      // It was finished before the kill came: once more from the start.
      await rm(stormy, { recursive: true });
      before = 0;
      continue;
    }
    killed++;
  }
  const [recorded] = await listRuns(stormy);
  const run = await Run.open(recorded!.folder);
  assert.deepEqual(
    stepsOf(await run.events()).map(({ step }) => step),
    Array.from({ length: steps }, (_, i) => i + 1),
  );
  return `${killed} kills, ${starts} starts, ${steps} steps, ${Math.round(stepMs)} ms a step`;
}
