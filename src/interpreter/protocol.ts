import { z } from "zod";

/** What a driver asks of an interpreter process: one JSON object a line. */
export interface LaneRequest {
  id: number;
  code: string;
  seed: number;
  timeoutMs: number;
  memoryMb: number;
  maxOutputBytes: number;
}

const exception = z.object({
  name: z.string(),
  message: z.string(),
  line: z.number().int().nullable(),
  lastLine: z.string(),
  memory: z.boolean(),
});

/** What the Python harness says of a snippet that it brought to its end. */
export const harnessReport = z.object({ exitCode: z.number().int(), error: exception.nullable() });
export type HarnessReport = z.infer<typeof harnessReport>;

/** One line from an interpreter process; anything else means that the process can no longer be trusted. */
export const laneReply = z.union([
  z.object({ ready: z.literal(true), python: z.string() }),
  z.object({ id: z.number(), out: z.string() }),
  z.object({ id: z.number(), err: z.string() }),
  z.object({
    id: z.number(),
    /** `report`: the harness finished; the other verdicts come from outside of Python. */
    done: z.enum(["report", "timeout", "memory", "outputLimit", "crash"]),
    report: z.string().nullable().optional(),
    exitCode: z.number().int().nullable().optional(),
    /** The process can serve another snippet. */
    reusable: z.boolean(),
  }),
]);
export type LaneReply = z.infer<typeof laneReply>;
