import { z } from "zod";

const text = z.string().max(20_000);
/** Which execution of the rollout, from 1. */
const turn = z.int().positive();

/** A person's change of a rollout: everything before it stays, whoever wrote the rollout goes on after it. */
export const rolloutEditSchema = z.discriminatedUnion("kind", [
  /**
   * The person writes in place of the tokens from `token` on (prompt included in the count). Then the policy goes on, or
   * with `"end"` the rollout ends as it does with a policy's end token. What comes after a tool call is not kept.
   */
  z.object({
    kind: z.literal("write"),
    token: z.int().nonnegative(),
    text,
    next: z.enum(["continue", "end"]).default("continue"),
  }),
  /** Another code in a call: it is executed anew. */
  z.object({ kind: z.literal("code"), turn, text }),
  /** Another output of a call: the policy reads it in place of the real one. */
  z.object({ kind: z.literal("output"), turn, text }),
]);

/** A change as it is given: what has a default may be left out. */
export type RolloutEditInput = z.input<typeof rolloutEditSchema>;
export type RolloutEdit = z.infer<typeof rolloutEditSchema>;

/** Which rollout of a training is changed, and how. */
export const placedEditSchema = z.object({
  /** The step whose batch holds the rollout, from 1. */
  step: z.int().positive(),
  group: z.int().nonnegative(),
  sample: z.int().nonnegative(),
  edit: rolloutEditSchema,
});

export interface PlacedEdit extends z.infer<typeof placedEditSchema> {
  /** Who made it. */
  readonly by?: string | undefined;
}
