import { Template } from "@huggingface/jinja";
import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import type { Tokenizer } from "../tokenizer.ts";
import type { ChatMessage, ChatPiece, EncodeChatOptions } from "./messages.ts";

const tokenName = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);

const configSchema = z.looseObject({
  /** A Jinja template, or several by name, of which `default` is taken. */
  chat_template: z.union([z.string().min(1), z.array(z.looseObject({ name: z.string(), template: z.string() }))]),
  bos_token: tokenName.nullish(),
  eos_token: tokenName.nullish(),
});

/** What a tokenizer_config.json says of chats. */
export type ChatTemplateConfig = z.input<typeof configSchema>;

/**
 * A Jinja template of a tokenizer_config.json. Such a template gives text alone, so whose a piece is comes out by rendering
 * the chat's beginnings: what is added between the header that invites the assistant and the end of its message is what it
 * would have sampled. That needs a template which never changes what stands before; one that does is refused.
 */
export class JinjaChat {
  readonly #template: Template;
  readonly #names: Readonly<Record<string, string>>;
  readonly #specials: readonly string[];

  /** @throws InvalidInputError for a configuration without a template, or a template that is not Jinja. */
  constructor(tokenizer: Tokenizer, given: ChatTemplateConfig) {
    const { chat_template, bos_token, eos_token } = parseInput(configSchema, given, "tokenizer_config.json");
    const source =
      typeof chat_template === "string"
        ? chat_template
        : chat_template.find(({ name }) => name === "default")?.template;
    if (source === undefined)
      throw new InvalidInputError("tokenizer_config.json has several chat templates, but none is called default.");
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw new InvalidInputError(`The chat template is not Jinja: ${(error as Error).message}`, undefined, error);
    }
    this.#names = {
      bos_token: bos_token ?? "",
      eos_token: eos_token ?? tokenizer.tokenName(tokenizer.eosId),
      pad_token: tokenizer.tokenName(tokenizer.padId),
    };
    this.#specials = [...tokenizer.specialIds].map((id) => tokenizer.tokenName(id));
  }

  pieces(messages: readonly ChatMessage[], { addGenerationPrompt = false }: EncodeChatOptions): ChatPiece[] {
    for (const [i, message] of messages.entries()) this.#refuseSpecials(message, i);
    const pieces: ChatPiece[] = [];
    let known = "";
    let first = 0;
    const advance = (text: string, upTo: number): string => {
      if (!text.startsWith(known))
        throw new InvalidInputError(
          `The chat template writes what comes before message ${upTo} differently once that message is there.`,
          "Which tokens are the assistant's cannot be told then. Use the template chatml, or one that only appends.",
        );
      const added = text.slice(known.length);
      known = text;
      return added;
    };
    messages.forEach(({ role }, i) => {
      if (role !== "assistant") return;
      pieces.push(...located(advance(this.#render(messages.slice(0, i), true), i), messages.slice(first, i)));
      pieces.push(...this.#assistantPieces(advance(this.#render(messages.slice(0, i + 1), false), i + 1)));
      first = i + 1;
    });
    if (first < messages.length || addGenerationPrompt) {
      const rest = advance(this.#render(messages, addGenerationPrompt), messages.length);
      pieces.push(...located(rest, messages.slice(first)));
    }
    return pieces;
  }

  #render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    try {
      return this.#template.render({ ...this.#names, messages, add_generation_prompt: addGenerationPrompt });
    } catch (error) {
      throw new InvalidInputError(
        `The chat template cannot be filled with ${messages.length} messages: ${(error as Error).message}`,
        undefined,
        error,
      );
    }
  }

  /** What the assistant samples goes up to the special token that ends its turn. */
  #assistantPieces(text: string): ChatPiece[] {
    const ends = this.#specials.map((name) => (text.includes(name) ? text.lastIndexOf(name) + name.length : 0));
    const end = Math.max(0, ...ends) || text.length;
    return [
      { role: "assistant", text: text.slice(0, end), isMarkup: true },
      { role: "template", text: text.slice(end), isMarkup: true },
    ];
  }

  #refuseSpecials({ content }: ChatMessage, i: number): void {
    const name = this.#specials.find((special) => content.includes(special));
    if (name === undefined) return;
    throw new InvalidInputError(
      `Message ${i} holds ${JSON.stringify(name)}, the name of a special token of this tokenizer.`,
      "A Jinja template cannot tell it from its own markup. Take it out of the text, or use the template chatml.",
    );
  }
}

/** A stretch without the assistant: each message's own text where it is found, and the template's around it. */
function located(text: string, messages: readonly ChatMessage[]): ChatPiece[] {
  const pieces: ChatPiece[] = [];
  let at = 0;
  for (const { role, content } of messages) {
    const start = content ? text.indexOf(content, at) : -1;
    if (start < 0) continue;
    pieces.push({ role: "template", text: text.slice(at, start), isMarkup: true }, { role, text: content });
    at = start + content.length;
  }
  pieces.push({ role: "template", text: text.slice(at), isMarkup: true });
  return pieces;
}
