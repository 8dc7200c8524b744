import { InvalidInputError } from "../../base/errors.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { chatmlPieces, chatmlTokens } from "./chatml.ts";
import { type ChatTemplateConfig, JinjaChat } from "./jinja.ts";
import {
  type ChatMessage,
  type ChatPiece,
  type ChatTemplate,
  type ChatTokenRole,
  checkMessages,
  type EncodeChatOptions,
} from "./messages.ts";
import { plainPieces } from "./plain.ts";

export type { ChatTemplateConfig } from "./jinja.ts";
export {
  type ChatMessage,
  type ChatMessageInput,
  type ChatRole,
  type ChatTemplate,
  type ChatTokenRole,
  type ChatTokens,
  chatRoles,
} from "./messages.ts";

export const chatTemplateNames = ["plain", "chatml"] as const;
export type ChatTemplateName = (typeof chatTemplateNames)[number];

/** A built-in template by name, or the object of a tokenizer_config.json. */
export type ChatTemplateChoice = ChatTemplateName | ChatTemplateConfig;

/**
 * How a chat becomes tokens: a built-in template, or the Jinja template of a checkpoint's tokenizer_config.json.
 *
 * @param choice default: `chatml` where the tokenizer has its tokens, else `plain`.
 * @throws InvalidInputError for an unknown name, a template that the tokenizer has no tokens for, or one that is not Jinja.
 * @example
 * const template = chatTemplate(policy.tokenizer);
 * const { ids, roles } = template.encode([{ role: "user", content: "6*7=?" }, { role: "assistant", content: "42" }]);
 */
export function chatTemplate(tokenizer: Tokenizer, choice?: ChatTemplateChoice): ChatTemplate {
  const missing = Object.values(chatmlTokens).filter((name) => tokenizer.idOf(name) === undefined);
  const chosen = choice ?? (missing.length ? "plain" : "chatml");
  if (typeof chosen === "object") {
    const jinja = new JinjaChat(tokenizer, chosen);
    return template("jinja", tokenizer, (messages, options) => jinja.pieces(messages, options));
  }
  if (chosen === "plain") return template(chosen, tokenizer, (messages) => plainPieces(tokenizer, messages));
  if (chosen !== "chatml")
    throw new InvalidInputError(
      `Unknown chat template ${JSON.stringify(chosen)}.`,
      `Known: ${chatTemplateNames.join(", ")}, or the object of a tokenizer_config.json.`,
    );
  if (missing.length)
    throw new InvalidInputError(
      `The template chatml needs the tokens ${missing.join(" and ")}, which this tokenizer lacks.`,
    );
  return template(chosen, tokenizer, chatmlPieces);
}

function template(
  name: string,
  tokenizer: Tokenizer,
  pieces: (messages: readonly ChatMessage[], options: EncodeChatOptions) => ChatPiece[],
): ChatTemplate {
  return {
    name,
    encode(messages, options = {}) {
      const ids: number[] = [];
      const roles: ChatTokenRole[] = [];
      for (const { role, text, isMarkup = false } of pieces(checkMessages(messages), options))
        for (const id of text ? tokenizer.encode(text, { specials: isMarkup }) : []) {
          ids.push(id);
          roles.push(role);
        }
      return { ids, roles };
    },
  };
}
