import { z } from "zod";
import type { Profile } from "./types.ts";

/** What a driver asks of an interpreter process: one JSON object a line. */
export interface LaneRequest {
  id: number;
  code: string;
  /** Absent: standard input is empty and `input()` is refused. */
  stdin?: string;
  seed: number;
  /** Seconds since 1970 at which the snippet's clock starts; null for the real one. */
  clock: number | null;
  timeoutMs: number;
  memoryMb: number;
  maxOutputBytes: number;
  lastExpression: boolean;
  plots: boolean;
  profile: Profile;
  /** The session whose namespace the code runs in; its first request opens it. Null: a fresh namespace. */
  session: string | null;
  /** Ends the session instead of running `code`; answered with `done: "closed"`. */
  closeSession?: true;
}

/** Everything of a request but its number, which the pool gives. */
export type LaneJob = Omit<LaneRequest, "id">;

const exception = z.object({
  name: z.string(),
  message: z.string(),
  line: z.number().int().nullable(),
  lastLine: z.string(),
  traceback: z.string(),
  memory: z.boolean(),
});

/** What the harness inside a process says of a snippet that it brought to its end. */
export const harnessReport = z.object({
  exitCode: z.number().int(),
  error: exception.nullable(),
  value: z.string().nullable(),
  images: z.array(z.object({ mime: z.literal("image/png"), data: z.base64() })).optional(),
});
export type HarnessReport = z.infer<typeof harnessReport>;

/** One line from an interpreter process; anything else means that the process can no longer be trusted. */
export const laneReply = z.union([
  z.object({ ready: z.literal(true), version: z.string() }),
  z.object({ id: z.number(), out: z.string() }),
  z.object({ id: z.number(), err: z.string() }),
  /** Of a snippet that has run for a while: whether it computes or only waits. */
  z.object({ id: z.number(), pace: z.enum(["slow", "idle"]) }),
  z.object({
    id: z.number(),
    /** `report`: the harness finished; `closed`: the session is gone; the other verdicts come from outside of it. */
    done: z.enum(["report", "closed", "timeout", "memory", "outputLimit", "crash"]),
    report: z.string().nullable().optional(),
    exitCode: z.number().int().nullable().optional(),
    peakMemoryMb: z.number().nullable().optional(),
    /** The process can serve another snippet. */
    reusable: z.boolean(),
    /** The session cannot go on: its process is gone. */
    sessionLost: z.boolean().optional(),
  }),
]);
export type LaneReply = z.infer<typeof laneReply>;
