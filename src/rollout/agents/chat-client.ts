// The global timers do nothing any more once the cell that set them was interrupted.
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { InfrastructureError, InterruptedError, InvalidInputError } from "../../base/errors.ts";

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).nullish(),
        }),
        logprobs: z
          .object({ content: z.array(z.object({ token: z.string(), logprob: z.number() })).nullish() })
          .nullish(),
      }),
    )
    .min(1),
});

/** What a chat endpoint answered, as far as the lab looks at it. */
export type ChatCompletion = z.infer<typeof completionSchema>;

export interface ChatClientOptions {
  /** For errors. */
  readonly name: string;
  /** Address of `chat/completions`. */
  readonly url: string;
  readonly key: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly backoffMs: number;
}

/** Longest wait that a server may ask for. Milliseconds. */
const longestWait = 60_000;
/** What is worth trying again: the server was busy, late or broken. */
const isPassing = (status: number): boolean => [408, 409, 425, 429].includes(status) || status >= 500;

/** One try that may go better the next time. */
class Failure extends Error {
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

/**
 * Asks an OpenAI-compatible chat endpoint, again with growing waits where it was busy, late or broken.
 *
 * @throws InfrastructureError where the last try failed too.
 * @throws InvalidInputError where the server refuses the request: a wrong key, model or setting.
 * @throws InterruptedError when `signal` is aborted.
 */
export async function chatCompletion(
  options: ChatClientOptions,
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal | undefined,
): Promise<ChatCompletion> {
  const { name, retries, backoffMs } = options;
  for (let tries = 1; ; tries++) {
    if (signal?.aborted) throw new InterruptedError();
    try {
      return await ask(options, body, signal);
    } catch (error) {
      if (signal?.aborted) throw new InterruptedError(undefined, undefined, error);
      if (!(error instanceof Failure)) throw error;
      if (tries > retries)
        throw new InfrastructureError(
          `${name} failed ${tries} ${tries === 1 ? "time" : "times"}, at last so: ${error.message}`,
          "See that the server runs, and raise timeoutMs or retries if it is only slow.",
        );
      await pause(Math.min(longestWait, error.waitMs ?? backoffMs * 2 ** (tries - 1)), signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    throw new InterruptedError(undefined, undefined, error);
  }
}

async function ask(
  { name, url, key, timeoutMs }: ChatClientOptions,
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal | undefined,
): Promise<ChatCompletion> {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  /** A server may repeat what it was sent. */
  const withoutKey = (text: string) => (key ? text.replaceAll(key, "***") : text);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
      redirect: "error",
      signal: limit.signal,
    });
    const text = await response.text();
    const said = withoutKey(text.trim().slice(0, 300));
    if (isPassing(response.status))
      throw new Failure(`HTTP ${response.status}${said && `: ${said}`}`, retryAfter(response.headers));
    if (!response.ok)
      throw new InvalidInputError(
        `${name} refused the request with HTTP ${response.status}${said && `: ${said}`}.`,
        "Look at the model's name, the key and the settings in body.",
      );
    const parsed = completionSchema.safeParse(jsonOf(text));
    if (!parsed.success) throw new Failure(`the answer is no chat completion: ${said}`);
    return parsed.data;
  } catch (error) {
    if (error instanceof Failure || error instanceof InvalidInputError) throw error;
    if (limit.signal.aborted) throw new Failure(`no answer within ${timeoutMs} ms`);
    const { message, cause } = error as Error;
    throw new Failure(withoutKey(cause instanceof Error ? `${message}: ${cause.message}` : message));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** The wait that a server asks for, in milliseconds. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** JSON has no undefined: that says that the text is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
