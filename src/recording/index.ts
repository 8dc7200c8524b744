export { type Checkpoint, type CheckpointFiles, CheckpointStore } from "./checkpoints.ts";
export { CommandReader, sendCommand } from "./commands.ts";
export { type RunConfig, readRunConfig, runConfigSchema } from "./config.ts";
export { RecordingError } from "./errors.ts";
export { listRuns, type RunSummary } from "./list.ts";
export { LivePublisher, type LivePublisherOptions, livePublisher } from "./live.ts";
export {
  type Command,
  type CommandInput,
  commandSchema,
  type LiveEventMessage,
  type LiveHistoryMessage,
  type RecordedEvent,
  type RunEvent,
  runEventSchema,
} from "./messages.ts";
export { type CreateRunOptions, Run } from "./run.ts";
