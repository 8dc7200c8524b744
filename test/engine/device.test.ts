import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { DeviceError } from "../../src/base/errors.ts";
import { siblingModule } from "../../src/base/modules.ts";
import { chooseDevice, inspectDevice } from "../../src/engine/device.ts";
import { describeMachine, Engine } from "../../src/engine/index.ts";
import type { ProbeResult } from "../../src/engine/probe.ts";
import { runOnSoftwareGpu, softwareGpuMissing } from "./webgpu.ts";

const hasGpu = ["/dev/dri", "/dev/dxg", "/proc/driver/nvidia/version"].some((path) => existsSync(path));

test("without a GPU, auto takes the CPU and says what was missing", async (t) => {
  if (hasGpu || process.platform !== "linux") return t.skip("this machine may have a GPU");
  const engine = await Engine.start({ threads: 1 });
  assert.equal(engine.report.requested, "auto");
  assert.equal(engine.report.device, "cpu");
  assert.match(engine.report.reason, /cuda needs .*; webgpu needs a GPU/);
  await engine.close();
});

test("a GPU asked for by name that is not there is an error with the reason", async (t) => {
  if (hasGpu || process.platform !== "linux") return t.skip("this machine may have a GPU");
  for (const device of ["cuda", "webgpu"] as const)
    await assert.rejects(chooseDevice(device, 1), (error) => {
      assert.ok(error instanceof DeviceError);
      assert.match(error.message, new RegExp(`"${device}" does not work here: .*(NVIDIA|adapter)`));
      return true;
    });
});

test("a software GPU works when asked for, and is found slower than the CPU", async (t) => {
  const missing = softwareGpuMissing();
  if (missing) return t.skip(missing);
  const result = await runOnSoftwareGpu(siblingModule(import.meta.url, "./probe-comparison").href, null);
  const { milliseconds } = result as Exclude<ProbeResult, { error: string }>;
  assert.ok(milliseconds!.webgpu! > milliseconds!.cpu!, JSON.stringify(milliseconds));
});

test("the machine's description names versions, cores and every device with a reason", async () => {
  const machine = await describeMachine();
  assert.equal(machine.node, process.version);
  assert.match(machine.onnxruntime.version, /^\d+\.\d+/);
  assert.ok(machine.onnxruntime.providers.includes("cpu"));
  assert.ok(machine.cores >= 1 && machine.memoryGb > 0);
  assert.equal(machine.devices.cpu.available, true);
  for (const device of ["cpu", "webgpu", "cuda"] as const) assert.ok(machine.devices[device].reason.length > 0);
  if (!hasGpu) assert.equal((await inspectDevice("cuda", { threads: 1, compare: true })).available, false);
});
