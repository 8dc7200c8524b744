import type { Task } from "./tasks/index.ts";

/** What a prompt may tell the policy beside the task. */
export interface PromptContext {
  /** Packages that code can import beyond the standard library, such as `"sympy 1.14.0"`. */
  readonly packages: readonly string[];
  /** Typed tools as a list, where there are any. */
  readonly prompt?: string;
}

/** Turns a task into the text that the policy reads. */
export type PromptFormat = (task: Task, context: PromptContext) => string;

/** The instruction of CIR's training and evaluation data, as it stands there (arXiv:2505.24480). */
const cirInstruction =
  "Please solve the following problem step by step. During your reasoning process, if needed, you can choose to write " +
  "python code to enhance your reasoning. The code executor will run your code and provide the execution results back " +
  "to you to support your reasoning process. Please put the final answer within \\boxed{}.";

const toolsInstruction =
  "Solve the problem below. You may think it over first between <think> and </think>. To call tools, write <tool_call>, " +
  'then on a line of its own for each call a JSON object {"name": ..., "parameters": {...}}, then </tool_call>. The ' +
  "answers follow between <obs> and </obs>. Put the final answer within \\boxed{}. The tools:";

/** How a task is put to a policy, by name. */
export const promptFormats = {
  /** Tiny policies: a mode token that allows code, then the task. */
  code: (task) => `<C>${task.prompt}`,
  /** Tiny policies: a mode token that asks for an answer in words. */
  text: (task) => `<T>${task.prompt}`,
  /** The task as it stands: for data whose questions say themselves what is asked, as CIR's Parquet files do. */
  plain: (task) => task.prompt,
  /** CIR's prompt, without a chat template as in its evaluation of Qwen2.5-Math. */
  cir: (task) => `${cirInstruction}\n${task.prompt}`,
  /** CIR's prompt, and which packages the code may import; the paper's does not say. */
  "cir-packages": (task, { packages }) => `${cirInstruction}\n${packagesLine(packages)}\n${task.prompt}`,
  /** Typed tools: what there is and how it is called, in ToolRL's layout (arXiv:2504.13958) and our words. */
  tools: (task, { prompt = "" }) => `${toolsInstruction}\n${prompt}\n\n${task.prompt}`,
} satisfies Record<string, PromptFormat>;

export type PromptFormatName = keyof typeof promptFormats;

export const promptFormatNames = Object.keys(promptFormats) as [PromptFormatName, ...PromptFormatName[]];

/** A task as the policy reads it. */
export function promptText(format: PromptFormatName, task: Task, context: PromptContext): string {
  const write: PromptFormat = promptFormats[format];
  return write(task, context);
}

function packagesLine(packages: readonly string[]): string {
  const offered = packages.length ? `, ${packages.join(", ")}` : "";
  return `The code can import Python's standard library${offered}; nothing else is installed.`;
}
