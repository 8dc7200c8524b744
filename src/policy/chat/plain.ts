import { InvalidInputError } from "../../base/errors.ts";
import { TINY_MATH_MODES } from "../tiny-math.ts";
import type { Tokenizer } from "../tokenizer.ts";
import type { ChatMessage, ChatPiece } from "./messages.ts";

/**
 * The form in which tiny policies read and write: no headers. A turn begins with the mode token `<C>`, where the tokenizer
 * has one; system and user texts follow, one to a line; then what the assistant writes, with tool outputs between as a
 * rollout appends them ("```output"), and the end token. A chat of a rollout's parts has the rollout's text.
 */
export function plainPieces(tokenizer: Tokenizer, messages: readonly ChatMessage[]): ChatPiece[] {
  const pieces: ChatPiece[] = [];
  const hasMode = tokenizer.idOf(TINY_MATH_MODES.code) !== undefined;
  let isInPrompt = false;
  messages.forEach(({ role, content, tool_calls }, i) => {
    if (tool_calls?.length)
      throw new InvalidInputError(
        `Message ${i} has tool_calls, which the plain template has no form for.`,
        "Write the code into its content, or use the template chatml.",
      );
    if (role === "system" || role === "user") {
      if (!isInPrompt && hasMode) pieces.push({ role: "template", text: TINY_MATH_MODES.code, isMarkup: true });
      if (isInPrompt) pieces.push({ role: "template", text: "\n", isMarkup: true });
      isInPrompt = true;
      pieces.push({ role, text: content });
      return;
    }
    isInPrompt = false;
    if (role === "tool") {
      const endsLine = pieces.at(-1)?.text.endsWith("\n") ?? false;
      pieces.push({ role, text: `${endsLine ? "" : "\n"}\`\`\`output\n${content}\n\`\`\`\n` });
      return;
    }
    pieces.push({ role, text: content });
    if (messages[i + 1]?.role !== "tool")
      pieces.push({ role, text: tokenizer.tokenName(tokenizer.eosId), isMarkup: true });
  });
  return pieces;
}
