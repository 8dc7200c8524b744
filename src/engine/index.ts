export { Engine, type EngineOptions, engineFor } from "./engine.ts";
export { readBuffers, writeBuffers } from "./named-buffers.ts";
export { describeMachine, type MachineReport } from "./report.ts";
export type {
  BufferPrefix,
  DeviceReport,
  EngineApi,
  EngineBuffer,
  HostTensor,
  Program,
  RowUpdate,
  RunRequest,
  TypedArray,
} from "./types.ts";
