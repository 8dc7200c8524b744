import type { RandomStream } from "./random.ts";

/** Where tensors live and graphs run. */
export type Device = "cpu" | "webgpu" | "cuda";

/** What every room needs to know of the laboratory it works in; `Lab` implements it. */
export interface LabContext {
  /** Root of all randomness. */
  readonly seed: number;
  /** The device that was asked for; the engine's report says which one it became and why. */
  readonly device: "auto" | Device;
  /** Computing threads on the CPU; undefined leaves the choice to the engine. */
  readonly threads: number | undefined;
  /** A named stream of the root seed; `keys` select up to three levels of sub-streams. */
  random(name: string, ...keys: number[]): RandomStream;
  /** Aborted when the user interrupts the running cell; undefined outside of one. */
  signal(): AbortSignal | undefined;
}
