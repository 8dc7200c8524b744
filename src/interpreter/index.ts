export * from "./feedback.ts";
export * from "./feedback-presets.ts";
export { Interpreter, type InterpreterOptions } from "./interpreter.ts";
export { whatJailLacks } from "./jail/lane.ts";
export type { PythonInterpreterOptions } from "./options.ts";
export { PythonInterpreter } from "./python.ts";
export { markedSource, shownResult, stderrWithoutTraceback } from "./result-display.ts";
export type * from "./types.ts";
