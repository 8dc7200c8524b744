/** A call as a policy wrote it. */
export interface ParsedCall {
  name: string;
  /** Not yet checked against the tool's schema. */
  args: unknown;
}

/** A call that cannot be read. */
export interface UnreadableCall {
  /** What is wrong with it, for the policy. */
  problem: string;
}

const block = /<tool_call>([\s\S]*?)<\/tool_call>/g;

/** All calls of a text, in order: of each `<tool_call>` block what {@link parseCallBody} finds. */
export function parseToolCalls(text: string): (ParsedCall | UnreadableCall)[] {
  return [...text.matchAll(block)].flatMap(([, body]) => parseCallBody(body!));
}

/**
 * The calls between `<tool_call>` and `</tool_call>`: one JSON object, an array of them, or one a line (ToolRL,
 * arXiv:2504.13958). Arguments are called `parameters` (ToolRL) or `arguments` (Hermes, Qwen), and may be a string that
 * holds JSON (OpenAI). Without either the call has none.
 */
export function parseCallBody(body: string): (ParsedCall | UnreadableCall)[] {
  const text = body.trim();
  const whole = parseJson(text);
  if (Array.isArray(whole)) return whole.map(readCall);
  if (whole !== undefined) return [readCall(whole)];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length < 2) return [unreadable(text)];
  // One object over several lines that is not JSON is one mistake, not one a line.
  const parsed = lines.map(parseJson);
  if (parsed.every((value) => value === undefined)) return [unreadable(text)];
  return parsed.map((value, i) => (value === undefined ? unreadable(lines[i]!) : readCall(value)));
}

/** JSON has no undefined: that says that the text is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unreadable = (text: string): UnreadableCall => {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return { problem: `A tool call must be a JSON object with "name" and "arguments", not ${JSON.stringify(shown)}.` };
};

function readCall(value: unknown): ParsedCall | UnreadableCall {
  if (typeof value !== "object" || value === null || !("name" in value) || typeof value.name !== "string")
    return unreadable(JSON.stringify(value));
  const given = "arguments" in value ? value.arguments : "parameters" in value ? value.parameters : {};
  const args = typeof given === "string" ? (parseJson(given) ?? given) : given;
  return { name: value.name, args };
}
