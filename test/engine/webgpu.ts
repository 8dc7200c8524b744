import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { siblingModule } from "../../src/base/modules.ts";

/** The software Vulkan driver that Chromium brings along. */
const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Why no software GPU can be had here, for `t.skip`; undefined where there is one. */
export function softwareGpuMissing(): string | undefined {
  return existsSync(driver) ? undefined : `needs Chromium's SwiftShader (${driver}; Debian: apt install chromium)`;
}

/**
 * Runs a module's default export, `(args) => Promise<JSON>`, in a process of its own whose WebGPU device is emulated in
 * software: the driver is chosen by environment variables that must be set before the process starts.
 *
 * @returns what it resolved with; rejects with what it printed when it throws or dies.
 */
export function runOnSoftwareGpu(moduleUrl: string, args: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(siblingModule(import.meta.url, "./webgpu-child"), [moduleUrl, JSON.stringify(args)], {
      env: { ...process.env, VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: tmpdir() },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    let printed = "";
    let result: unknown;
    child.stdout?.on("data", (chunk) => {
      printed += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      printed += chunk;
    });
    child.once("message", (message) => {
      result = message;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0 && result !== undefined) resolve((result as { result: unknown }).result);
      else reject(new Error(`${moduleUrl} on the software GPU ended with ${signal ?? code}:\n${printed}`));
    });
  });
}
