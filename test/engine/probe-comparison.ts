import { type ProbeResult, tryDevice } from "../../src/engine/probe.ts";

/** The comparison by which "auto" decides, without the look for a graphics card that precedes it. */
export default function compare(): Promise<ProbeResult> {
  return tryDevice("webgpu", 1, true);
}
