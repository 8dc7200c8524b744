export * from "./feedback.ts";
export { PythonInterpreter, type PythonInterpreterOptions } from "./python.ts";
export type * from "./types.ts";
