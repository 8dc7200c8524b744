import { z } from "zod";

const branch = z.int().nonnegative();
const text = z.string().max(100_000);
/** Token ids, or text of which tokens are made. */
const forced = z.union([text.min(1), z.array(z.int().nonnegative()).min(1).max(1000)]);

/** What the page asks of a stepper. */
export const actionSchema = z.discriminatedUnion("action", [
  z.object({ action: z.literal("token"), branch }),
  /** Up to and through the next execution. */
  z.object({ action: z.literal("turn"), branch }),
  /** To the end, with its reward. */
  z.object({ action: z.literal("finish"), branch }),
  /** A new branch that keeps so many tokens; `redraw`: with other noise. */
  z.object({ action: z.literal("fork"), branch, token: z.int().nonnegative(), redraw: z.boolean().default(false) }),
  /** A new branch that keeps so many tokens and goes on with these. */
  z.object({ action: z.literal("force"), branch, token: z.int().nonnegative(), what: forced }),
  /** A new branch with other code in the n-th turn (from 1), whose code may still wait. */
  z.object({ action: z.literal("code"), branch, turn: z.int().positive(), text: text.min(1) }),
  /** A new branch in which the n-th execution gave another output. */
  z.object({ action: z.literal("output"), branch, turn: z.int().positive(), text }),
  /** Tell the likely next tokens. */
  z.object({ action: z.literal("candidates"), branch }),
  /** Take a branch away; never the first. */
  z.object({ action: z.literal("drop"), branch }),
]);

export type Action = z.infer<typeof actionSchema>;

/** What the page may say while an action goes on. */
export const interjectionSchema = z.discriminatedUnion("action", [
  /** End after the token in flight; what waits is dropped. */
  z.object({ action: z.literal("stop") }),
  /** What the person writes whom the rollout waits for. */
  z.object({ action: z.literal("write"), text, next: z.enum(["end", "continue"]) }),
]);
