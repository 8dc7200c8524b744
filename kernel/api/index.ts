/**
 * What a cell can do beside computing: show values and replace them, ask, report progress, and talk to the page.
 * Outside of a notebook the same code writes to the terminal.
 *
 * @example
 * import { clearOutput, display, input, openComm, progress, slider, updateDisplay } from "cirlab/kernel";
 * @module
 */
export type {
  Comm,
  CommBuffer,
  Displayable,
  DisplayOptions,
  MimeBundle,
  ProgressItems,
  ProgressOptions,
  VegaLiteSpec,
} from "../../src/display/index.ts";
export { Display, ProgressBar, progress, updateDisplay } from "../../src/display/index.ts";
export * from "../widgets/index.ts";
export { type OpenCommOptions, openComm, registerTarget } from "./comms.ts";
export { type DisplayFunction, display, type Markup } from "./display.ts";
export { type InputOptions, input } from "./input.ts";
export { clearOutput } from "./output.ts";
