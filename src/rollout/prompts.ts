import type { Task } from "./tasks/index.ts";

/** Turns a task into the text that the policy reads. */
export type PromptFormat = (task: Task) => string;

/** How a task is put to a policy, by name. */
export const promptFormats = {
  /** Tiny policies: a mode token that allows code, then the task. */
  code: (task: Task) => `<C>${task.prompt}`,
  /** Tiny policies: a mode token that asks for an answer in words. */
  text: (task: Task) => `<T>${task.prompt}`,
} satisfies Record<string, PromptFormat>;
