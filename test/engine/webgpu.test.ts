import assert from "node:assert/strict";
import { test } from "node:test";
import { siblingModule } from "../../src/base/modules.ts";
import { runOnSoftwareGpu, softwareGpuMissing } from "./webgpu.ts";
import scenario from "./webgpu-scenario.ts";

const module = (path: string) => siblingModule(import.meta.url, path).href;

test("WebGPU gives what the CPU gives", async (t) => {
  const missing = softwareGpuMissing();
  if (missing) return t.skip(missing);
  const onCpu = await scenario({ device: "cpu" });
  const onGpu = (await runOnSoftwareGpu(module("./webgpu-scenario"), { device: "webgpu" })) as typeof onCpu;
  assert.deepEqual(Object.keys(onGpu), Object.keys(onCpu));
  for (const [name, expected] of Object.entries(onCpu)) {
    const got = onGpu[name]!;
    assert.equal(got.length, expected.length, name);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)));
    assert.ok(worst <= 1e-5, `${name}: differs by ${worst}`);
  }
});
