export { Engine, type EngineOptions, engineFor } from "./engine.ts";
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
