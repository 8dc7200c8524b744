import { z } from "zod";
import { parseInput } from "../../base/schema.ts";

/** Who speaks in a chat, as in Hugging Face's datasets. */
export const chatRoles = ["system", "user", "assistant", "tool"] as const;

export type ChatRole = (typeof chatRoles)[number];

const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const toolCallSchema = z.looseObject({
  function: z.looseObject({
    name: z.string().min(1),
    arguments: z.union([z.string(), z.record(z.string(), z.json())]),
  }),
});

const messageSchema = z.looseObject({
  role: z.enum(chatRoles),
  /** Text, or parts of it; null beside tool calls. */
  content: z
    .union([z.string(), z.array(textPart).transform((parts) => parts.map(({ text }) => text).join("")), z.null()])
    .optional()
    .transform((content) => content ?? ""),
  /** What the assistant asks tools for, in OpenAI's form. */
  tool_calls: z.array(toolCallSchema).nullish(),
});

/** One message of a chat. */
export type ChatMessage = z.infer<typeof messageSchema>;
/** A message as it is given. */
export type ChatMessageInput = z.input<typeof messageSchema>;

const chatSchema = z.array(messageSchema).min(1);

/** @throws InvalidInputError naming the message and field that cannot be read. */
export const checkMessages = (messages: unknown): ChatMessage[] => parseInput(chatSchema, messages, "chat messages");

/** Whose a token is: a message's, or nobody's, because it belongs to the template (headers, separators). */
export type ChatTokenRole = ChatRole | "template";

/** A chat as tokens. What the assistant would itself have sampled has its role: its text and the token that ends its turn. */
export interface ChatTokens {
  readonly ids: number[];
  /** As long as `ids`. */
  readonly roles: ChatTokenRole[];
}

/** A stretch of a rendered chat. */
export interface ChatPiece {
  readonly role: ChatTokenRole;
  readonly text: string;
  /** Written by the template: names of special tokens in it are those tokens. In a message's text they are plain text. */
  readonly isMarkup?: boolean;
}

export interface EncodeChatOptions {
  /** End with the header after which the assistant would write. Default false. */
  readonly addGenerationPrompt?: boolean;
}

/** How a chat is put to a policy. */
export interface ChatTemplate {
  readonly name: string;
  /**
   * A chat as tokens, each with its role. Pieces of different roles are tokenised apart, as they are when a policy reads a
   * header and then writes: no token belongs to two.
   *
   * @throws InvalidInputError for messages that cannot be read or that the template has no form for.
   */
  encode(messages: readonly ChatMessageInput[], options?: EncodeChatOptions): ChatTokens;
}
