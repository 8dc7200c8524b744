/**
 * CIR Lab: reinforcement learning of language models that write and run code while they reason.
 *
 * @example
 * import { Lab, Policy, PythonInterpreter, recipes, tasks, Trainer } from "cirlab";
 * @module
 */

import { serveRuns } from "./live/index.ts";
import { registerPythonMagic } from "./python-magic.ts";

export { z } from "zod";
export * from "./base/errors.ts";
export { barChart, lineChart, progress, table } from "./display/index.ts";
export type { DeviceReport } from "./engine/index.ts";
export type { EvaluateOptions } from "./evaluation/evaluate.ts";
export { EvaluationCard, passAtK, Score } from "./evaluation/index.ts";
export * as graph from "./graph/index.ts";
export { diffRuns, Export, type ExportOptions, exportRun } from "./interop/index.ts";
export { Interpreter, type InterpreterOptions, PythonInterpreter } from "./interpreter/index.ts";
export type { CodeInterpreter, ExecutionResult, ExecutionStatus } from "./interpreter/types.ts";
export { Lab, type LabOptions } from "./lab.ts";
export { Part, type PartOptions } from "./parts/index.ts";
export { type ChatMessageInput, type ChatTemplate, chatTemplate } from "./policy/chat/index.ts";
export { Policy } from "./policy/policy.ts";
export { Tokenizer } from "./policy/tokenizer.ts";
export { protocols, recipes } from "./recipes/index.ts";
export { listRuns, Run, sendCommand } from "./recording/index.ts";
export {
  type Reward,
  type RewardInput,
  type RewardTurn,
  reward,
  rewards,
  type TurnReward,
  type UnitTest,
} from "./reward/index.ts";
export {
  type Agent,
  type AgentReply,
  type AgentTurn,
  agents,
  type Mixture,
  type RemoteOptions,
  type Takeover,
} from "./rollout/agents/index.ts";
export { type Message, messagesOf } from "./rollout/messages.ts";
export { type ForkOptions, Rollout } from "./rollout/rollout.ts";
export { type Stepper, stepper } from "./rollout/stepper/stepper.ts";
export { type Task, type Taskset, taskFamily, tasks } from "./rollout/tasks/index.ts";
export type { StopReason, Token, ToolCall } from "./rollout/trajectory.ts";
export {
  codeTool,
  defineTool,
  type McpServer,
  type McpSource,
  mcpTools,
  type Tool,
  ToolBox,
  ToolError,
  type ToolResult,
} from "./tools/index.ts";
export type { Advantages, Batch } from "./training/batch.ts";
export type { StepConfig, TrainerConfig, TrainerSettings } from "./training/config.ts";
export type { CourseChange } from "./training/controllers/types.ts";
export { type Alert, type GuardSettings, guards } from "./training/guards/index.ts";
export type { Learner, LearnerStep } from "./training/learner.ts";
export type { TrainerOptions } from "./training/open-steps.ts";
export { type EstimatorInput, estimator } from "./training/parts/own-estimator.ts";
export { type FilterVerdict, filter } from "./training/parts/own-filter.ts";
export { type GuardSight, guard } from "./training/parts/own-guard.ts";
export { objective } from "./training/parts/own-objective.ts";
export { schedule } from "./training/parts/own-schedule.ts";
export type { ReplayReport } from "./training/replay.ts";
export type { RunHandle } from "./training/run-handle.ts";
export { sft } from "./training/sft.ts";
export { DpoTrainer, type DpoTrainerOptions } from "./training/supervised/dpo-trainer.ts";
export { loadExamples, loadPreferences } from "./training/supervised/examples.ts";
export { ExpertIteration, type ExpertIterationOptions } from "./training/supervised/expert-iteration.ts";
export { type PreferenceExample, preferencePairs } from "./training/supervised/preference-pairs.ts";
export { type RejectionSamplingOptions, rejectionSampling } from "./training/supervised/rejection-sampling.ts";
export type { SftExample } from "./training/supervised/samples.ts";
export { SftTrainer, type SftTrainerOptions } from "./training/supervised/sft-trainer.ts";
export type { TrainOptions } from "./training/train-options.ts";
export { Trainer } from "./training/trainer.ts";
export type { StepReport, UpdateReport } from "./training/types.ts";

registerPythonMagic();
serveRuns();
