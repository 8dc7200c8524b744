import type { Trajectory } from "./trajectory.ts";

/** A part of a rollout as chats have it. The contents of a rollout's messages, joined, are its text. */
export interface Message {
  /** `user` is the prompt; `assistant` whoever answers, policy or agent; `tool` an output with what stands around it. */
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
}

/** A rollout as messages, cut where another side begins to write. */
export function messagesOf({ ids, sources, promptLength, tokenizer }: Trajectory): Message[] {
  const messages: { role: Message["role"]; content: string }[] = [
    { role: "user", content: tokenizer.decode(ids.slice(0, promptLength)) },
  ];
  for (let i = promptLength; i < ids.length; i++) {
    const role = sources[i] === "tool" ? "tool" : "assistant";
    const last = messages.at(-1)!;
    const text = tokenizer.tokenText(ids[i]!);
    if (last.role === role) last.content += text;
    else messages.push({ role, content: text });
  }
  return messages;
}
