import assert from "node:assert/strict";
import { test } from "node:test";
import { siblingModule } from "../../src/base/modules.ts";
import { runOnSoftwareGpu, softwareGpuMissing } from "../engine/webgpu.ts";
import scenario from "./webgpu-scenario.ts";

test("updates and generated tokens on WebGPU equal those of the CPU, with no node left to the CPU", async (t) => {
  const missing = softwareGpuMissing();
  if (missing) return t.skip(missing);
  const onCpu = await scenario({ device: "cpu" });
  const module = siblingModule(import.meta.url, "./webgpu-scenario").href;
  const onGpu = (await runOnSoftwareGpu(module, { device: "webgpu" })) as typeof onCpu;
  assert.equal(onGpu.placed.length, 6);
  assert.deepEqual(Object.keys(onGpu.seen), Object.keys(onCpu.seen));
  for (const [name, expected] of Object.entries(onCpu.seen)) {
    const got = onGpu.seen[name]!;
    assert.equal(got.length, expected.length, name);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)));
    assert.ok(worst <= 1e-5, `${name}: differs by ${worst}`);
  }
});
