import type { ChatMessage, ChatPiece, EncodeChatOptions } from "./messages.ts";

export const chatmlTokens = { start: "<|im_start|>", end: "<|im_end|>" } as const;

/**
 * ChatML as Qwen2.5 uses it: `<|im_start|>role\n…<|im_end|>\n`. Tool outputs stand in a user's turn, those that follow one
 * another in the same one, each in `<tool_response>`; the assistant's calls are `<tool_call>` blocks of JSON. Unlike Qwen's
 * own template, a chat without a system message gets none.
 */
export function chatmlPieces(
  messages: readonly ChatMessage[],
  { addGenerationPrompt = false }: EncodeChatOptions,
): ChatPiece[] {
  const pieces: ChatPiece[] = [];
  const markup = (text: string, role: ChatPiece["role"] = "template") => pieces.push({ role, text, isMarkup: true });
  messages.forEach((message, i) => {
    const { role, content } = message;
    if (role === "tool") {
      if (messages[i - 1]?.role !== "tool") markup(`${chatmlTokens.start}user`);
      markup("\n<tool_response>\n");
      pieces.push({ role, text: content });
      markup("\n</tool_response>");
      if (messages[i + 1]?.role !== "tool") markup(`${chatmlTokens.end}\n`);
      return;
    }
    markup(`${chatmlTokens.start}${role}\n`);
    pieces.push({ role, text: content + toolCalls(message) });
    markup(chatmlTokens.end, role === "assistant" ? role : "template");
    markup("\n");
  });
  if (addGenerationPrompt) markup(`${chatmlTokens.start}assistant\n`);
  return pieces;
}

function toolCalls({ content, tool_calls }: ChatMessage): string {
  const blocks = (tool_calls ?? []).map(({ function: { name, arguments: given } }) => {
    const json = typeof given === "string" ? given : JSON.stringify(given);
    return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${json}}\n</tool_call>`;
  });
  return (content && blocks.length ? "\n" : "") + blocks.join("\n");
}
