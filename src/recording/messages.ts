import { z } from "zod";
import { placedEditSchema } from "../rollout/edits.ts";

/** JSON has no NaN and no infinity: they are recorded as null. */
const metrics = z.record(z.string(), z.number().nullable());
const step = z.int().nonnegative();

/** What a person or another process asks of a run: a line of its `commands.jsonl`. */
export const commandSchema = z.discriminatedUnion("type", [
  /** Stop before the next step and wait. */
  z.object({ type: z.literal("pause") }),
  z.object({ type: z.literal("resume") }),
  /** While paused: take this many steps, then pause again. */
  z.object({ type: z.literal("step"), count: z.int().positive().default(1) }),
  /** End the run after the step in flight. */
  z.object({ type: z.literal("stop") }),
  /** Change hyperparameters from the next step on: all of them, or none if one is refused. */
  z.object({ type: z.literal("set"), values: z.record(z.string().min(1), z.json()) }),
  /** Write a checkpoint after the step in flight; one with a label is kept. */
  z.object({ type: z.literal("checkpoint"), label: z.string().min(1).optional() }),
  /** Go back to the state after this step: from the nearest checkpoint before it; later steps are left behind. */
  z.object({ type: z.literal("rewind"), step }),
  /** Collect the rollouts of the next step and wait before the update; resume, step or stop let it go on. */
  z.object({ type: z.literal("hold") }),
  /** Change a rollout of the step that is held. */
  placedEditSchema.extend({ type: z.literal("intervene") }),
]);

export type Command = z.infer<typeof commandSchema>;
/** A command as it is given: what has a default may be left out. */
export type CommandInput = z.input<typeof commandSchema>;

/** Who gave a command, and the number under which it is answered. A line written by hand may lack both. */
export const senderSchema = z.object({ id: z.string().optional(), by: z.string().optional() });
export type Sender = z.infer<typeof senderSchema>;

/** What can happen in a run. Steps are counted from 1; step 0 is the state before the first. */
export const runEventSchema = z.discriminatedUnion("type", [
  /**
   * Training starts, or goes on: `step` is where, `count` how many steps are to be taken (absent from recordings of older
   * versions). `config` is a summary of the settings.
   */
  z.object({
    type: z.literal("run-started"),
    step,
    config: z.record(z.string(), z.json()),
    count: z.int().positive().optional(),
  }),
  z.object({ type: z.literal("step"), step, metrics }),
  z.object({ type: z.literal("evaluation"), step, label: z.string(), metrics }),
  /** A guard's limit was passed; what follows `text` is absent from recordings of versions without guards. */
  z.object({
    type: z.literal("alert"),
    step,
    text: z.string(),
    guard: z.string().optional(),
    metric: z.string().optional(),
    value: z.number().nullable().optional(),
    limit: z.number().nullable().optional(),
    /** What was done: "alert" is nothing but telling. */
    action: z.enum(["alert", "pause", "skip", "rollback"]).optional(),
    hint: z.string().optional(),
    /** The rollouts that contributed most. */
    rollouts: z
      .array(z.object({ group: z.int(), sample: z.int() }))
      .readonly()
      .optional(),
  }),
  /** `name` is the checkpoint's folder inside `checkpoints/`. */
  z.object({
    type: z.literal("checkpoint"),
    step,
    name: z.string(),
    bytes: z.int().nonnegative(),
    /** It was marked: no rule removes it. */
    label: z.string().optional(),
  }),
  /** A command was obeyed. */
  z.object({ type: z.literal("command"), step, command: commandSchema, ...senderSchema.shape }),
  /** A command was not obeyed, and nothing was changed. */
  z.object({ type: z.literal("command-refused"), step, text: z.string(), ...senderSchema.shape }),
  /** Settings have changed: these hold for every step after `step`. */
  z.object({ type: z.literal("config"), step, changes: z.record(z.string(), z.json()) }),
  /** A trigger moved a setting, or the reference policy was reset: it holds for every step after `step`. */
  z.object({
    type: z.literal("course"),
    step,
    setting: z.string(),
    from: z.number().optional(),
    to: z.number().optional(),
    text: z.string(),
  }),
  /** Code of the user's own was changed, and the run goes on with it: what `hash` was `from` is `to` after `step`. */
  z.object({ type: z.literal("part"), step, kind: z.string(), name: z.string(), from: z.string(), to: z.string() }),
  /** The rollouts of this step are collected and recorded; the update waits for a person, who may change them. */
  z.object({ type: z.literal("held"), step }),
  /** The step that follows was trained on a rollout that a person changed. */
  placedEditSchema.extend({ type: z.literal("intervention"), by: z.string().optional() }),
  /** Training goes on from `step`: later steps and checkpoints from before do not lead to what follows. */
  z.object({ type: z.literal("rewound"), step }),
  z.object({ type: z.literal("log"), text: z.string() }),
  z.object({
    type: z.literal("run-finished"),
    step,
    reason: z.enum(["completed", "stopped", "paused", "interrupted", "failed"]),
    /** What failed. */
    error: z.string().optional(),
  }),
]);

/** What can happen in a run, before it is recorded. */
export type RunEvent = z.infer<typeof runEventSchema>;

const stamp = z.object({
  /** Counts a run's events from 0, without gaps. */
  seq: z.int().nonnegative(),
  /** Unix time in milliseconds. */
  time: z.number(),
});

/** A line of `events.jsonl`. */
export type RecordedEvent = z.infer<typeof stamp> & RunEvent;

/** Any line of `events.jsonl`, of a known type or not. */
export const eventEnvelopeSchema = stamp.extend({ type: z.string() });

const known = new Set<string>(runEventSchema.options.map((option) => option.shape.type.value));
export const isKnownEventType = (type: string): boolean => known.has(type);

/** An event that was just recorded, as those hear of it who follow runs. */
export interface LiveEventMessage {
  runId: string;
  /** The run's folder, as an absolute path. */
  folder: string;
  event: RecordedEvent;
}
