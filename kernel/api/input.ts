export { type InputOptions, input } from "../../src/display/input.ts";
