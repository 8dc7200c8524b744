/** What a controller looks at after a step. */
export interface Outcome {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number | undefined>>;
  /** Rollouts that the step trained on. */
  readonly rollouts: number;
}

/** Something that was decided while training went on: a trigger moved a setting, the reference policy was reset. */
export interface CourseChange {
  /** Steps taken before it: it holds from the next one on. */
  readonly step: number;
  /** Which setting. */
  readonly setting: string;
  readonly from?: number;
  readonly to?: number;
  /** What happened and why. */
  readonly text: string;
}
