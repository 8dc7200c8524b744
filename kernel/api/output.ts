import { host } from "../../src/display/host.ts";

/**
 * Clears what the running cell has shown so far; in a plain terminal it does nothing.
 *
 * @param wait clear only when the next output arrives, so that the page does not flicker. Default false.
 * @example
 * for (const frame of frames) {
 *   clearOutput(true);
 *   display.svg(frame);
 * }
 */
export function clearOutput(wait = false): void {
  host()?.clear(wait);
}
