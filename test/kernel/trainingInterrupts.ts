import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestKernel } from "./client.ts";

/** Numbers in [0, 1) that a seed determines (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const setUp = (steps: number) => `
import { createHash } from "node:crypto";
import { Lab, Policy, PythonInterpreter, Trainer, recipes, tasks } from "cirlab";
const lab = new Lab({ seed: 7, device: "cpu", threads: 2 });
const python = await PythonInterpreter.start({ engine: "pyodide", isolation: "pooled" });
const policy = await Policy.create("tiny-math", { lab });
const taskset = tasks.arithmetic({ families: ["algebra", "chain1"] });
const reward = {
  name: "by length",
  score: ({ text }: { text: string }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};
const total = ${steps};
async function make() {
  return new Trainer({
    ...recipes.cir(), promptsPerStep: 2, numGenerations: 2, maxLength: 48,
    lab, policy: await policy.clone(), interpreter: python, taskset, reward,
  });
}
const metrics = new Map<number, string>();
const differing: number[] = [];
/** Metrics of a step must be those of any other run of it. */
function note(step: { step: number; metrics: object }) {
  const text = JSON.stringify(step.metrics);
  if ((metrics.get(step.step) ?? text) !== text) differing.push(step.step);
  metrics.set(step.step, text);
}
async function stateOf(it: Trainer): Promise<string> {
  const { weights, optimizer, step } = await it.checkpoint();
  const hash = createHash("sha256");
  const add = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (value instanceof Map) for (const [key, inner] of value) { hash.update(String(key)); add(inner); }
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) { hash.update(key); add(inner); }
    else hash.update(String(value));
  };
  add([weights, optimizer, step]);
  return hash.digest("hex");
}`;

/**
 * Trains in cells, interrupts at random moments, goes on each time, and compares weights, optimizer and metrics with
 * those of a training that was never interrupted.
 */
export async function interruptTraining(options: { interrupts: number; steps: number; seed: number }): Promise<void> {
  const { interrupts, steps, seed } = options;
  const folder = await mkdtemp(join(tmpdir(), "cirlab-training-"));
  const kernel = await TestKernel.start({ cwd: folder });
  const run = async (code: string): Promise<string> => {
    const { reply, result } = await kernel.execute(code);
    assert.equal(reply.status, "ok", `${reply.traceback}`);
    return result ?? "";
  };
  const train = "for await (const step of trainer.train(total - trainer.step, { record: 'runs' })) note(step);";
  try {
    await run(setUp(steps));
    await run("var trainer = await make(); await trainer.trainStep(); trainer = await make();");
    const started = performance.now();
    await run(train);
    const stepMs = (performance.now() - started) / steps;
    const wanted = await run("await stateOf(trainer)");
    const draw = random(seed);
    let fresh = true;
    for (let done = 0; done < interrupts; ) {
      if (fresh) await run("trainer = await make(); trainer.step");
      const running = kernel.send(train);
      await running.until((m) => m.header.msg_type === "execute_input");
      const delay = draw() * 2 * stepMs;
      await new Promise((resolve) => setTimeout(resolve, delay));
      await kernel.interrupt();
      const { reply } = await running.done;
      if (reply.status === "error") {
        assert.match(reply.ename as string, /^(?:KernelInterrupt|InterruptedError)$/, `${reply.traceback}`);
        done++;
      }
      fresh = (await run("trainer.step")) === String(steps);
      if (!fresh) continue;
      assert.equal(await run("await stateOf(trainer)"), wanted, `after ${done} interrupts`);
    }
    if (!fresh) await run(train);
    assert.equal(await run("await stateOf(trainer)"), wanted);
    assert.equal(await run("differing"), "[]");
  } finally {
    await kernel.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
