import { DatasetError } from "../../base/errors.ts";
import type { ChatMessageInput } from "../../policy/chat/index.ts";
import { type Row, readRows } from "../../rollout/tasks/rows.ts";
import type { PreferenceExample } from "./preference-pairs.ts";
import type { SftExample } from "./samples.ts";

/** Chats stand in a column as lists, or as JSON text where the file has no lists (CSV). */
function chat(value: unknown): ChatMessageInput[] | undefined {
  if (Array.isArray(value)) return value as ChatMessageInput[];
  if (typeof value !== "string" || !value.startsWith("[")) return undefined;
  try {
    return JSON.parse(value) as ChatMessageInput[];
  } catch {
    return undefined; // text that begins with a bracket
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && value.length > 0;

async function read<T>(path: string, exampleOf: (row: Row) => T | undefined, needed: string): Promise<T[]> {
  return (await readRows(path)).map(({ row, line }) => {
    const example = exampleOf(row);
    if (example !== undefined) return example;
    throw new DatasetError(
      `${path}, row ${line}: it has ${Object.keys(row).join(", ")}, but ${needed} are needed.`,
      "Nothing was loaded.",
    );
  });
}

/**
 * Examples for an SftTrainer from a `.jsonl`, `.parquet` or `.csv` file in one of Hugging Face's forms: a column `messages`
 * (a chat), columns `prompt` and `completion`, or a column `text`.
 *
 * @throws DatasetError naming file and row (from 1); nothing is loaded then.
 * @example
 * const trainer = new SftTrainer({ lab, policy, data: await loadExamples("chats.jsonl") });
 */
export function loadExamples(path: string): Promise<SftExample[]> {
  const exampleOf = ({ messages, prompt, completion, text }: Row): SftExample | undefined => {
    const conversation = chat(messages);
    if (conversation) return { messages: conversation };
    const [asked, answered] = [chat(prompt), chat(completion)];
    if (asked && answered) return { messages: [...asked, ...answered] };
    if (isText(prompt) && isText(completion)) return { prompt, completion };
    return isText(text) ? { text } : undefined;
  };
  return read(path, exampleOf, "messages, or prompt and completion, or text");
}

/**
 * Preferences for a DpoTrainer from a file: columns `prompt`, `chosen` and `rejected`, all texts or all lists of messages;
 * without `prompt`, `chosen` and `rejected` are whole chats.
 *
 * @throws DatasetError naming file and row (from 1); nothing is loaded then.
 */
export function loadPreferences(path: string): Promise<PreferenceExample[]> {
  const exampleOf = ({ prompt, chosen, rejected }: Row): PreferenceExample | undefined => {
    const chats = [chat(prompt), chat(chosen), chat(rejected)] as const;
    if (chats[0] && chats[1] && chats[2]) return { prompt: chats[0], chosen: chats[1], rejected: chats[2] };
    if (prompt == null && chats[1] && chats[2])
      return { chosen: { messages: chats[1] }, rejected: { messages: chats[2] } };
    return isText(prompt) && isText(chosen) && isText(rejected) ? { prompt, chosen, rejected } : undefined;
  };
  return read(path, exampleOf, "prompt, chosen and rejected");
}
