import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Worker } from "node:worker_threads";
import type { LabContext } from "../../src/base/context.ts";
import { InfrastructureError, InterruptedError } from "../../src/base/errors.ts";
import { siblingModule } from "../../src/base/modules.ts";
import { RandomStream } from "../../src/base/random.ts";
import { Engine, engineFor } from "../../src/engine/index.ts";
import { float32, graphOf } from "./graphs.ts";

const negate = graphOf("negate", [float32("x", 2)], [float32("y", 2)], [{ op: "Neg", inputs: ["x"], outputs: ["y"] }]);
const x = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } as const;

const script = fileURLToPath(siblingModule(import.meta.url, "./exit-child"));
for (const [way, printed] of [
  ["idle", "the end of the script\n"],
  ["closed", "the end of the script\n"],
  ["pending", "the end of the script\nthe last run was done\n"],
] as const)
  test(`a process ends cleanly with its engine ${way}`, async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, way], { timeout: 60_000 });
    assert.equal(stdout, printed);
    assert.equal(stderr, "");
  });

test("when the worker dies, what was under way fails by name and later requests say so", async () => {
  let worker: Worker | undefined;
  process.once("worker", (started) => {
    worker = started;
  });
  const engine = await Engine.start({ device: "cpu", threads: 1 });
  const program = await engine.load(negate);
  worker?.postMessage(null); // no request at all: an exception that nothing catches
  const failures = await Promise.allSettled([1, 2, 3].map(() => program.run({ inputs: { x }, fetch: ["y"] })));
  for (const failure of failures) {
    assert.equal(failure.status, "rejected");
    assert.ok(failure.reason instanceof InfrastructureError);
    assert.match(failure.reason.message, /Program "negate" failed because the engine stopped/);
  }
  await assert.rejects(program.run({ inputs: { x }, fetch: ["y"] }), InfrastructureError);
  await assert.rejects(engine.load(negate), InfrastructureError);
  await engine.close();
});

test("closing waits for what was asked before", async () => {
  const engine = await Engine.start({ device: "cpu", threads: 1 });
  const program = await engine.load(negate);
  const run = program.run({ inputs: { x }, fetch: ["y"] });
  await engine.close();
  assert.deepEqual([...(await run).y!.data], [-1, -2]);
});

test("an aborted start is an interruption", async () => {
  await assert.rejects(Engine.start({ device: "cpu", signal: AbortSignal.abort() }), InterruptedError);
  const controller = new AbortController();
  const start = Engine.start({ device: "cpu", signal: controller.signal });
  controller.abort();
  await assert.rejects(start, InterruptedError);
});

test("buffers that are forgotten are freed", async () => {
  const engine = await Engine.start({ device: "cpu", threads: 1 });
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const data = new Float32Array(2 ** 24).fill(1);
  let peak = 0;
  for (let i = 0; i < 20; i++) {
    await engine.createBuffer({ dtype: "float32", shape: [data.length] }, data);
    collectGarbage();
    await new Promise(setImmediate); // finalizers run between turns
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  await engine.close();
  assert.ok(peak < 20 * data.byteLength, `20 buffers of 64 MiB, one after another, took ${peak} bytes`);
});

function labOn(device: LabContext["device"]): LabContext {
  return {
    seed: 1,
    device,
    threads: 1,
    random: (name, ...keys) => new RandomStream(1, name, ...keys),
    signal: () => undefined,
  };
}

test("a lab has one engine, also when asked twice at once; another lab has another", async () => {
  const [lab, other] = [labOn("cpu"), labOn("cpu")];
  const [first, second] = await Promise.all([engineFor(lab), engineFor(lab)]);
  assert.equal(first, second);
  assert.equal(await engineFor(lab), first);
  assert.notEqual(await engineFor(other), first);
  assert.equal(first.report.threads, 1);
  await Promise.all([first.close(), (await engineFor(other)).close()]);
});

test("a lab whose engine failed to start gets another try", async () => {
  const lab = { ...labOn("cpu"), device: "tpu" as LabContext["device"] };
  await assert.rejects(engineFor(lab), /"tpu"/);
  lab.device = "cpu";
  await (await engineFor(lab)).close();
});
