export { type Checkpoint, type CheckpointFiles, CheckpointStore } from "./checkpoints.ts";
export { CommandReader, type SentCommand, sendCommand, waitForAnswer } from "./commands.ts";
export { type RunConfig, readRunConfig, recordedVersions, runConfigSchema } from "./config.ts";
export { RecordingError } from "./errors.ts";
export { followEvents } from "./follow.ts";
export { readJsonLines } from "./json-lines.ts";
export { listRuns, type RunSummary } from "./list.ts";
export { LivePublisher, type LivePublisherOptions, livePublisher } from "./live.ts";
export { type LockOwner, lockOwner } from "./lock.ts";
export {
  type Command,
  type CommandInput,
  commandSchema,
  type LiveEventMessage,
  type RecordedEvent,
  type RunEvent,
  runEventSchema,
  type Sender,
} from "./messages.ts";
export { onRecorded } from "./recorded.ts";
export { type RetentionRules, type StoredCheckpoint, surplusCheckpoints } from "./retention.ts";
export {
  type RolloutView,
  recordedRolloutViews,
  rowsOf,
  type StepRows,
} from "./rollouts.ts";
export { type CreateRunOptions, Run } from "./run.ts";
export { readSettingsSchema, type SettingsSchema, writeSettingsSchema } from "./settings-schema.ts";
export { runSize, type Standing, standingOf } from "./standing.ts";
export { type RunState, type SettingsChange, stepsOf, Timeline } from "./timeline.ts";
