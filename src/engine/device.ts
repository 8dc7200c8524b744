import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "../base/context.ts";
import { DeviceError } from "../base/errors.ts";
import { siblingModule } from "../base/modules.ts";
import type { ProbeResult } from "./probe.ts";

/** From the most to the least wanted. */
export const devices: readonly Device[] = ["cuda", "webgpu", "cpu"];

const providers: Record<Device, string> = {
  cpu: "CPUExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cuda: "CUDAExecutionProvider",
};

export interface DeviceChoice {
  readonly device: Device;
  readonly reason: string;
  readonly provider: string;
}

/** Whether a device can be used on this machine, and one sentence why (not). */
export interface DeviceAvailability {
  readonly available: boolean;
  readonly reason: string;
}

/**
 * The device for a request. `"auto"` takes the first of CUDA, WebGPU and CPU that works and, of the GPUs, that
 * multiplies matrices faster than the CPU here: so a software adapter never wins. A device asked for by name only has
 * to work.
 *
 * @throws DeviceError naming an unknown device, or saying why a known one does not work.
 */
export async function chooseDevice(requested: "auto" | Device, threads: number): Promise<DeviceChoice> {
  if (requested === "auto") {
    const missing: string[] = [];
    for (const device of devices) {
      if (device === "cpu") break;
      const { available, reason } = await inspectDevice(device, { threads, compare: true });
      if (available) return choice(device, `Chosen automatically: ${[reason, ...missing].join("; ")}.`);
      missing.push(reason);
    }
    return choice("cpu", `Chosen automatically: ${missing.join("; ")}.`);
  }
  if (!devices.includes(requested))
    throw new DeviceError(`Unknown device ${JSON.stringify(requested)}.`, `Use "auto", "cpu", "webgpu" or "cuda".`);
  if (requested === "cpu") return choice("cpu", "The CPU was asked for.");
  const { available, reason } = await inspectDevice(requested, { threads, compare: false });
  if (!available)
    throw new DeviceError(`The device "${requested}" does not work here: ${reason}.`, `Use "auto" or "cpu".`);
  return choice(requested, `It was asked for: ${reason}.`);
}

function choice(device: Device, reason: string): DeviceChoice {
  return { device, reason, provider: providers[device] };
}

/**
 * Whether a GPU can be used. What costs nothing is looked at first; then a child process tries the provider, because
 * native code that fails may abort its process. The child's verdict is kept for the life of this process.
 *
 * @param compare also require that it multiplies matrices faster than the CPU.
 */
export async function inspectDevice(
  device: Exclude<Device, "cpu">,
  options: { readonly threads: number; readonly compare: boolean },
): Promise<DeviceAvailability> {
  const missing = device === "cuda" ? cudaMissing() : options.compare ? adapterMissing() : undefined;
  if (missing) return { available: false, reason: missing };
  const result = await probe(device, options);
  if ("error" in result) return { available: false, reason: `${device} failed: ${result.error}` };
  const home =
    device === "cuda" ? "cuda works (its buffers live in host memory, as the binding has it)" : `${device} works`;
  if (result.milliseconds === undefined) return { available: true, reason: home };
  const { [device]: gpu = Number.POSITIVE_INFINITY, cpu = 0 } = result.milliseconds;
  const times = `${result.size}³ multiply-adds take it ${format(gpu)} ms and the CPU ${format(cpu)} ms`;
  return gpu < cpu
    ? { available: true, reason: `${home} (${times})` }
    : { available: false, reason: `${device} is slower than the CPU, perhaps emulated (${times})` };
}

function format(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 10 ? 1 : 0);
}

/** Folder of the runtime's libraries for this platform. */
function libraries(): string {
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node-gpu/package.json");
  return join(dirname(manifest), "bin", "napi-v6", process.platform, process.arch);
}

function cudaMissing(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "cuda needs Linux on x64";
  if (!existsSync("/proc/driver/nvidia/version") && !existsSync("/dev/dxg"))
    return "cuda needs an NVIDIA GPU and its driver";
  if (!existsSync(join(libraries(), "libonnxruntime_providers_cuda.so")))
    return "cuda needs its libraries (npm run install:cuda)";
  return undefined;
}

/** On Linux a GPU shows as a device file; elsewhere only trying tells. */
function adapterMissing(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const cards = existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD"));
  const found = cards || existsSync("/dev/dxg") || existsSync("/proc/driver/nvidia/version");
  return found ? undefined : "webgpu needs a GPU, and this machine has none";
}

const probes = new Map<string, Promise<ProbeResult>>();

function probe(device: Device, { threads, compare }: { threads: number; compare: boolean }): Promise<ProbeResult> {
  const args = [device, String(threads), compare ? "compare" : "try"];
  const key = args.join(" ");
  let result = probes.get(key);
  if (!result) {
    result = runProbe(args);
    probes.set(key, result);
  }
  return result;
}

/** Shader compilation on a first run takes seconds on slow drivers. */
const probeTimeoutMs = 30_000;

function runProbe(args: readonly string[]): Promise<ProbeResult> {
  const script = fileURLToPath(siblingModule(import.meta.url, "./probe"));
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { timeout: probeTimeoutMs }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        const said = stderr.trim().split("\n").at(-1) || "it said nothing";
        const how = error?.killed
          ? `no answer within ${probeTimeoutMs / 1000} s`
          : (error?.signal ?? `exit ${error?.code}`);
        resolve({ error: `its test process ended with ${how}: ${said}` });
      }
    });
  });
}
