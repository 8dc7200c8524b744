import type { InferenceSession } from "onnxruntime-node-gpu";
import type { Device } from "../base/context.ts";

/**
 * Session options of a device. The optimisation level is fixed because results differ in their last bits between
 * levels, which would break resuming a run bit for bit. Without the arena a training step takes 1.35 times as long.
 *
 * Threads that wait for work spin, but shortly: measured beside a busy process on two cores, 100 us of it keeps a decode
 * step as fast as the runtime's long spinning (0.56 ms; 0.61 ms without any), while a training step takes 58 ms instead
 * of 105 ms (64 ms without any), and code that interpreters run meanwhile keeps its core.
 */
export function sessionOptions(device: Device, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    enableMemPattern: true,
    extra: { session: { intra_op: { allow_spinning: "1", spin_duration_us: "100" } } },
    logSeverityLevel: 4,
  };
}
