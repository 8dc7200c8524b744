import type { Cells } from "./cells.ts";
import { emit } from "./emit.ts";
import { errorReport, KernelInterrupt } from "./errors.ts";

/** Tells errors that no code caught, under the cell that they came from; the session goes on. */
export function reportStrayErrors(cells: Cells): void {
  const tell = (what: string, error: unknown, promise?: Promise<unknown>): void => {
    const origin = cells.originOf(error, promise);
    if (error instanceof KernelInterrupt || origin.abandoned) return;
    const text = `${what}: ${errorReport(error).traceback.join("\n")}\n`;
    emit({ type: "stream", id: origin.id, name: "stderr", text });
  };
  process.on("uncaughtException", (error) => tell("Uncaught", error));
  process.on("unhandledRejection", (error, promise) => tell("Unhandled rejection", error, promise));
}
