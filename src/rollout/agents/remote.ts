import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { uniformAt } from "../../base/random.ts";
import { parseInput } from "../../base/schema.ts";
import type { Agent, AgentReply, AgentTurn } from "./agent.ts";
import { type ChatClientOptions, type ChatCompletion, chatCompletion } from "./chat-client.ts";

const optionsSchema = z.strictObject({
  /** Address under which `chat/completions` lies: `http://localhost:8000/v1`. */
  baseUrl: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1),
  /** The key itself, or the environment variable that holds it. Default: none is sent. Keys are never recorded. */
  apiKey: z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })]).optional(),
  /** What the model is told before the conversation. */
  system: z.string().optional(),
  /** Asks for the log-probs of the model's tokens. */
  logprobs: z.boolean().default(false),
  /** Tokens of one answer, as the server counts them. */
  maxTokens: z.int().positive().default(2048),
  /** Further fields of the request, or other values for the lab's own: `{ stop: ["Observation"] }`. */
  body: z.record(z.string(), z.json()).default({}),
  /** Wall time of one try. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(120_000),
  /** Tries after the first, where the server was busy, late or broken. */
  retries: z.int().nonnegative().max(100).default(3),
  /** Wait before the second try; it doubles from try to try, and a server's own Retry-After goes before it. Milliseconds. */
  backoffMs: z.number().nonnegative().default(500),
  /** Requests at once. */
  concurrency: z.int().positive().default(8),
});

/** Options of `agents.remote`. */
export type RemoteOptions = z.input<typeof optionsSchema>;
type Settings = z.output<typeof optionsSchema>;

/**
 * A model behind an OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, hosted ones). It is sent the rollout as a chat:
 * the prompt and tool outputs as `user`, its own turns as `assistant`; with a tool box the tools' schemas too, and what the
 * server reads as tool calls is written out as `<tool_call>` blocks. Temperature, top-p and a seed of the rollout's own go
 * with each request. What it wrote beyond a complete block of code is cut off.
 *
 * A server that is broken, busy or silent after all tries is a failure of infrastructure: the rollout is lost and counted,
 * and never scored.
 *
 * @example
 * const teacher = agents.remote({ baseUrl: "http://localhost:8000/v1", model: "qwen", apiKey: { env: "TEACHER_KEY" } });
 * await lab.evaluate(teacher, taskset, { interpreter: python, samples: 4 });
 * @throws InvalidInputError for options that cannot be, or a key that is not in the environment.
 */
export function remote(options: RemoteOptions): Agent {
  const settings = parseInput(optionsSchema, options, "options of agents.remote");
  const url = new URL(settings.baseUrl);
  if (url.username || url.password || url.search)
    throw new InvalidInputError("baseUrl must hold no user, password or query.", "Give a key as apiKey.");
  const { model, timeoutMs, retries, backoffMs, concurrency } = settings;
  const base = url.href.replace(/\/+$/, "");
  const name = `${model} at ${base}`;
  // In this closure alone, so that no display or record of the agent can show it.
  const key = keyOf(settings.apiKey);
  const client: ChatClientOptions = { name, url: `${base}/chat/completions`, key, timeoutMs, retries, backoffMs };
  return {
    name,
    source: "remote",
    concurrency,
    reply: async (turn) => replyOf(await chatCompletion(client, requestOf(settings, turn), turn.signal)),
  };
}

function keyOf(given: Settings["apiKey"]): string | undefined {
  if (typeof given !== "object") return given;
  const key = process.env[given.env];
  if (!key)
    throw new InvalidInputError(`The environment variable ${given.env} holds no key.`, "Set it, or give apiKey.");
  return key;
}

function requestOf({ model, system, logprobs, maxTokens, body }: Settings, turn: AgentTurn): Record<string, unknown> {
  const { messages, tools, temperature, topP, seed, keys, toolCallsLeft } = turn;
  const { step, promptIndex, sampleIndex } = keys;
  return {
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: system }]),
      // The role `tool` is for calls in the protocol's own form alone.
      ...messages.map(({ role, content }) => ({ role: role === "tool" ? "user" : role, content })),
    ],
    temperature,
    top_p: topP,
    max_tokens: maxTokens,
    seed: Math.floor(uniformAt(seed, "remote", step, promptIndex, sampleIndex, turn.turn) * 2 ** 31),
    ...(logprobs && { logprobs: true }),
    ...(tools && toolCallsLeft && { tools }),
    ...body,
  };
}

function replyOf({ choices: [choice] }: ChatCompletion): AgentReply {
  const { message, finish_reason: reason, logprobs } = choice!;
  const content = message.content ?? "";
  const calls = message.tool_calls ?? [];
  const next = reason === "length" ? "cut" : "end";
  if (!calls.length)
    return { text: content, next, logprobs: logprobs?.content?.map(({ token: text, logprob }) => ({ text, logprob })) };
  const lines = calls.map(({ function: { name, arguments: args } }) =>
    JSON.stringify({ name, arguments: argumentsOf(args) }),
  );
  return { text: `${content && `${content}\n`}<tool_call>\n${lines.join("\n")}\n</tool_call>`, next };
}

/** Arguments come as JSON in a string; what is none stays a string, which the tool refuses in words. */
function argumentsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
