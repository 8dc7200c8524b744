import type { Readable, Writable } from "node:stream";
import type { z } from "zod";
import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";

/** What answers a line that could not be served. */
export interface InvalidLine {
  /** The line's own id, where it had one. */
  id?: string | number;
  /** Line of the input, from 1. */
  line: number;
  status: "invalid";
  error: { name: "InvalidLine"; message: string };
}

export interface JsonLinesOptions<S extends z.ZodType> {
  input: Readable;
  output: Writable;
  /** What a line must hold. */
  schema: S;
  /** Answers one line. An InvalidInputError becomes an {@link InvalidLine}; any other error ends the service. */
  serve(request: z.output<S>): Promise<object>;
  /** Lines that are read and not yet answered, at most: how far a slow one may hold up those after it. */
  window: number;
  /** Longest line in bytes; a longer one is answered with an error. Default 16 MiB. */
  maxLineBytes?: number;
  /** Ends the service at once. */
  signal?: AbortSignal;
}

interface Line {
  number: number;
  /** The line's bytes without its end, or undefined where it was too long to keep. */
  bytes: Buffer | undefined;
}

const newline = 0x0a;

/** The lines of a stream; of one that is too long nothing is kept. */
async function* linesOf(input: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer): void => {
    size += part.length;
    if (size <= maxBytes) parts.push(part);
    else parts = [];
  };
  const end = (): Line => {
    const line = { number: ++number, bytes: size <= maxBytes ? Buffer.concat(parts) : undefined };
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of input) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      take(chunk.subarray(from, at));
      from = at + 1;
      yield end();
    }
    take(chunk.subarray(from));
  }
  if (size > 0) yield end();
}

function invalid({ number }: Line, message: string, id?: unknown): InvalidLine {
  return {
    ...((typeof id === "string" || typeof id === "number") && { id }),
    line: number,
    status: "invalid",
    error: { name: "InvalidLine", message },
  };
}

/** The answer to one line; undefined for a blank one. */
async function answer<S extends z.ZodType>(
  line: Line,
  { schema, serve, maxLineBytes = defaultMaxLineBytes }: JsonLinesOptions<S>,
): Promise<object | undefined> {
  if (!line.bytes) return invalid(line, `The line is longer than the limit of ${maxLineBytes} bytes.`);
  let id: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(line.bytes);
    if (text.trim() === "") return undefined;
    const value: unknown = JSON.parse(text);
    id = (value as { id?: unknown } | null)?.id;
    return await serve(parseInput(schema, value, "line"));
  } catch (error) {
    if (error instanceof InvalidInputError) return invalid(line, error.message, id);
    if (error instanceof SyntaxError) return invalid(line, `The line is no JSON: ${error.message}.`);
    if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
      return invalid(line, "The line is no valid UTF-8.");
    throw error;
  }
}

const defaultMaxLineBytes = 16 * 2 ** 20;

/**
 * Answers each line of JSON with a line of JSON, several at once and in the order of the input. No more than `window`
 * lines are held: who reads the answers slowly slows the reading of the input down. Blank lines are passed over.
 *
 * @returns when the input has ended and every line is answered.
 * @throws InterruptedError when `signal` is aborted; the output's error (`EPIPE`) when nobody reads it any more.
 */
export async function serveJsonLines<S extends z.ZodType>(options: JsonLinesOptions<S>): Promise<void> {
  const { input, output, window, signal } = options;
  let failure: Error | undefined;
  const stop = (error: Error): void => {
    failure ??= error;
    input.destroy();
  };
  const abort = (): void => stop(new InterruptedError());
  if (signal?.aborted) throw new InterruptedError();
  signal?.addEventListener("abort", abort, { once: true });
  output.on("error", stop);
  const write = (value: object | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      if (failure) reject(failure);
      else if (value === undefined) resolve();
      else output.write(`${JSON.stringify(value)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  const held: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  try {
    for await (const line of linesOf(input, options.maxLineBytes ?? defaultMaxLineBytes)) {
      const reply = answer(line, options);
      reply.catch(stop);
      last = last.then(async () => write(await reply));
      last.catch(stop);
      held.push(last);
      if (held.length >= window) await held.shift();
    }
    await last;
  } catch (error) {
    throw failure ?? error;
  } finally {
    signal?.removeEventListener("abort", abort);
    output.off("error", stop);
  }
  if (failure) throw failure;
}
