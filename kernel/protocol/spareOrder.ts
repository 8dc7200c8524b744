import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { z } from "zod";

const orderSchema = z.object({
  /** Path of the connection file that the kernel shall serve. */
  connectionFile: z.string().min(1),
  /** Working folder. */
  cwd: z.string().min(1),
  /** The whole environment, in place of the one that the spare was started with. */
  env: z.record(z.string(), z.string()),
});

/** What a spare kernel is told when it is wanted: one line of JSON. */
export type SpareOrder = z.infer<typeof orderSchema>;

/**
 * Waits for the order.
 *
 * @param stopped ends the wait.
 * @returns undefined when the input ends without one: whoever kept the spare is gone.
 * @throws Error when the line is no order.
 */
export async function readOrder(input: Readable, stopped: AbortSignal): Promise<SpareOrder | undefined> {
  const lines = createInterface({ input });
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve).once("close", () => resolve(undefined));
    stopped.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  lines.close();
  input.destroy();
  if (line === undefined) return undefined;
  const parsed = orderSchema.safeParse(parseJson(line));
  if (!parsed.success) throw new Error(`The order to a spare kernel is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`The order to a spare kernel is no JSON: ${(error as Error).message}`);
  }
}
