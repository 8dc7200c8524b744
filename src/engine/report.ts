import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import type { Device } from "../base/context.ts";
import { type DeviceAvailability, inspectDevice } from "./device.ts";

/** What a machine offers to the engine. */
export interface MachineReport {
  /** Version of Node, as `v20.19.0`. */
  readonly node: string;
  /** Operating system, its release and the processor's architecture. */
  readonly platform: string;
  readonly processor: string;
  /** Hardware threads this process may use. */
  readonly cores: number;
  readonly memoryGb: number;
  readonly onnxruntime: {
    readonly version: string;
    /** Providers that the binding can load; that their device works is another matter. */
    readonly providers: readonly string[];
  };
  readonly devices: Readonly<Record<Device, DeviceAvailability>>;
}

/**
 * What this machine has: versions, cores, memory, and for each device whether `"auto"` could take it and why. Takes
 * seconds where there is a GPU to be tried.
 */
export async function describeMachine(): Promise<MachineReport> {
  const cores = availableParallelism();
  const options = { threads: Math.min(4, cores), compare: true };
  // One after the other: a device that is being timed must have the machine to itself.
  const cuda = await inspectDevice("cuda", options);
  const webgpu = await inspectDevice("webgpu", options);
  const { env, listSupportedBackends } = await import("onnxruntime-node-gpu");
  return {
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores,
    memoryGb: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    onnxruntime: {
      version: env.versions.node ?? "unknown",
      providers: listSupportedBackends().map(({ name }) => name),
    },
    devices: { cpu: { available: true, reason: "always there" }, webgpu, cuda },
  };
}
