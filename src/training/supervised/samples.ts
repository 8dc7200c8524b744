import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { type ChatMessageInput, type ChatTemplate, type ChatTokenRole, chatRoles } from "../../policy/chat/index.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import type { TokenSource } from "../../rollout/trajectory.ts";
import { agentSources } from "../../rollout/trajectory-types.ts";

/** Whose a token of a sample is: a message's, a source of a rollout's token, or a part of plain text. */
export type SampleRole = ChatTokenRole | TokenSource | "completion" | "text";

const sampleRoles: readonly SampleRole[] = [
  ...chatRoles,
  "template",
  "prompt",
  "sampled",
  ...agentSources,
  "forced",
  "completion",
  "text",
];

/** A sequence to learn from. Roles and mask are made with the tokens and never again from text. */
export interface Sample {
  readonly ids: readonly number[];
  readonly roles: readonly SampleRole[];
  /** Which tokens count in the loss; the first never does, since nothing predicts it. */
  readonly trained: readonly boolean[];
}

/** A rollout's tokens with their sources: a `Trajectory`, or one as it is recorded. */
interface TokensWithSources {
  readonly ids: readonly number[];
  readonly sources: readonly TokenSource[];
}

/**
 * What can be learnt from:
 *
 * - text, as a string or `{ text }`: every token counts, and the end token that is added;
 * - `{ prompt, completion }`: the completion and the end token count;
 * - `{ messages }`: what the assistant wrote counts;
 * - a trajectory, or whatever has one (a `Rollout`, a rollout of a batch): what was sampled or written by an agent (a
 *   demonstration) counts, tools' and forced tokens never.
 */
export type SftExample =
  | string
  | { readonly text: string }
  | { readonly prompt: string; readonly completion: string }
  | { readonly messages: readonly ChatMessageInput[] }
  | TokensWithSources
  | { readonly trajectory: TokensWithSources };

export interface SampleOptions {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** False: of messages and of prompts with completions every token counts. */
  readonly assistantOnlyLoss: boolean;
}

/**
 * An example as tokens.
 *
 * @throws InvalidInputError naming the example that cannot be read.
 */
export function sampleOf(example: SftExample, place: number, options: SampleOptions): Sample {
  try {
    return marked(tokensOf(example, options), options.assistantOnlyLoss);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(`Example ${place}: ${error.message}`, undefined, error);
  }
}

function tokensOf(example: SftExample, { tokenizer, template }: SampleOptions): Pick<Sample, "ids" | "roles"> {
  if (typeof example === "string") return tokensOf({ text: example }, { tokenizer, template, assistantOnlyLoss: true });
  if (typeof example === "object" && example !== null) {
    if ("trajectory" in example) return { ids: example.trajectory.ids, roles: example.trajectory.sources };
    if ("sources" in example) return { ids: example.ids, roles: example.sources };
    if ("messages" in example) return template.encode(example.messages);
    if ("text" in example) return joined(tokenizer, [["text", tokenizer.encode(example.text)]]);
    if ("completion" in example)
      return joined(tokenizer, [
        ["prompt", tokenizer.encode(example.prompt)],
        ["completion", tokenizer.encode(example.completion, { specials: false })],
      ]);
  }
  throw new InvalidInputError(
    `it is neither text, nor { prompt, completion }, nor { messages }, nor a rollout: ${JSON.stringify(example)?.slice(0, 80)}.`,
  );
}

/** Parts one after another, and the end token as the last part's own. */
function joined(tokenizer: Tokenizer, parts: readonly (readonly [SampleRole, readonly number[]])[]) {
  const ids = [...parts.flatMap(([, tokens]) => tokens), tokenizer.eosId];
  const roles = [...parts.flatMap(([role, tokens]) => tokens.map(() => role)), parts.at(-1)![0]];
  return { ids, roles };
}

/** Tools' outputs and forced tokens of a rollout are out of the loss whatever the options say: nobody sampled them. */
const learntRoles: ReadonlySet<SampleRole> = new Set(["assistant", "completion", "sampled", ...agentSources, "text"]);
const rolloutRoles: ReadonlySet<SampleRole> = new Set(["sampled", "forced", ...agentSources]);

function marked({ ids, roles }: Pick<Sample, "ids" | "roles">, assistantOnlyLoss: boolean): Sample {
  const isRollout = roles.some((role) => rolloutRoles.has(role));
  const all = !assistantOnlyLoss && !isRollout;
  return { ids, roles, trained: roles.map((role, i) => i > 0 && (all || learntRoles.has(role))) };
}

const lineSchema = z.strictObject({
  ids: z.array(z.int().nonnegative()),
  /** Stretches of tokens: their role, how many, and whether they count. */
  spans: z.array(z.tuple([z.enum(sampleRoles as [SampleRole, ...SampleRole[]]), z.int().positive(), z.boolean()])),
});

/** A sample as a line of a file. */
export type SampleLine = z.infer<typeof lineSchema>;
export const sampleLineSchema = lineSchema.transform(({ ids, spans }): Sample => {
  const over = <T>(value: (span: (typeof spans)[number]) => T) =>
    spans.flatMap((span) => Array.from({ length: span[1] }, () => value(span)));
  return { ids, roles: over(([role]) => role), trained: over(([, , trained]) => trained) };
});

export function sampleLine({ ids, roles, trained }: Sample): SampleLine {
  const spans: SampleLine["spans"] = [];
  roles.forEach((role, i) => {
    const last = spans.at(-1);
    if (last && last[0] === role && last[2] === trained[i]) last[1]++;
    else spans.push([role, 1, trained[i]!]);
  });
  return { ids: [...ids], spans };
}
