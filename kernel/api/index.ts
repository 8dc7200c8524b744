/**
 * What a cell can do beside computing: show values and replace them, ask, report progress, and talk to the page.
 * Outside of a notebook the same code writes to the terminal.
 *
 * @example
 * import { clearOutput, display, input, openComm, progress, slider, updateDisplay } from "cirlab/kernel";
 * @module
 */
export type { Displayable } from "../../src/display/bundle.ts";
export type { VegaLiteSpec } from "../../src/display/chart-svg.ts";
export { Display, type DisplayOptions, updateDisplay } from "../../src/display/display.ts";
export type { Comm, CommBuffer, MimeBundle } from "../../src/display/host.ts";
export { ProgressBar, type ProgressItems, type ProgressOptions, progress } from "../../src/display/progress.ts";
export * from "../widgets/index.ts";
export { type OpenCommOptions, openComm, registerTarget } from "./comms.ts";
export { type DisplayFunction, display, type Markup } from "./display.ts";
export { type InputOptions, input } from "./input.ts";
export { clearOutput } from "./output.ts";
