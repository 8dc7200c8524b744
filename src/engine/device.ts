import type { Device } from "../base/context.ts";
import { DeviceError } from "../base/errors.ts";

export const devices: readonly Device[] = ["cuda", "webgpu", "cpu"];

export interface DeviceChoice {
  readonly device: Device;
  readonly reason: string;
  readonly provider: string;
}

const providers: Record<Device, string> = {
  cpu: "CPUExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cuda: "CUDAExecutionProvider",
};

export async function chooseDevice(requested: "auto" | Device, _threads: number): Promise<DeviceChoice> {
  if (requested !== "auto" && !devices.includes(requested))
    throw new DeviceError(`Unknown device ${JSON.stringify(requested)}.`, `Use "auto", "cpu", "webgpu" or "cuda".`);
  return { device: "cpu", reason: "The CPU was asked for.", provider: providers.cpu };
}
