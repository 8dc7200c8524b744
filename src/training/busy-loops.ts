/** What others need to know of a training. */
export interface AnyLoop {
  readonly steps: { readonly length: number };
  readonly count: number;
  readonly state: string;
  /** Its cell was interrupted: it takes no further step. */
  readonly isGivenUp: boolean;
  giveUp(): Promise<void>;
}

/** Which learners train. */
export const loops = new WeakMap<object, AnyLoop>();

/** The training that a learner is busy with, unless it stands still. */
export function busyLoop(trainer: object): AnyLoop | undefined {
  const loop = loops.get(trainer);
  return loop && !loop.isGivenUp && loop.state !== "paused" ? loop : undefined;
}
