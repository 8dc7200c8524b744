import { InvalidInputError } from "../base/errors.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { codeTool } from "./code-tool.ts";
import { ToolBox } from "./tool-box.ts";

/** What a policy may call: code by itself, typed tools, or both. */
export interface ToolChoice {
  readonly interpreter?: CodeInterpreter | ToolBox | undefined;
  readonly tools?: ToolBox | undefined;
}

/**
 * What runs a rollout's calls: an interpreter for blocks of code, or a tool box. With both, the interpreter is one more
 * tool of the box, called by its language.
 *
 * @param who names the asker in the error.
 * @throws InvalidInputError where there is neither, or something that is no tool box.
 */
export function toolsetOf({ interpreter, tools }: ToolChoice, who: string): CodeInterpreter | ToolBox {
  if (tools !== undefined && !(tools instanceof ToolBox))
    throw new InvalidInputError("tools must be a ToolBox.", "Write tools: new ToolBox([...]).");
  if (!interpreter && !tools) throw new InvalidInputError(`${who} needs an interpreter or tools.`);
  if (!tools) return interpreter!;
  if (!interpreter) return tools;
  return tools.with(...(interpreter instanceof ToolBox ? interpreter.tools.values() : [codeTool(interpreter)]));
}
