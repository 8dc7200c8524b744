import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DatasetError } from "../../src/base/errors.ts";
import { loadExamples, loadPreferences } from "../../src/training/supervised/examples.ts";

const folder = await mkdtemp(join(tmpdir(), "cirlab-examples-"));
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const jsonl = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join("\n");
const [user, assistant] = [
  { role: "user" as const, content: "2*3" },
  { role: "assistant" as const, content: "6" },
];

test("Hugging Face's forms of examples: chats, prompts with completions, text; chats as JSON text in CSV", async () => {
  const path = await write(
    "mixed.jsonl",
    jsonl(
      { messages: [user, assistant], source: "x" },
      { prompt: "2*3", completion: "6" },
      { prompt: [user], completion: [assistant] },
      { text: "[2*3" },
    ),
  );
  assert.deepEqual(await loadExamples(path), [
    { messages: [user, assistant] },
    { prompt: "2*3", completion: "6" },
    { messages: [user, assistant] },
    { text: "[2*3" },
  ]);
  const csv = await write("chats.csv", `messages\n"${JSON.stringify([user, assistant]).replaceAll('"', '""')}"\n`);
  assert.deepEqual(await loadExamples(csv), [{ messages: [user, assistant] }]);
});

test("preferences as texts, as chats with and without a prompt of their own; bad rows are named", async () => {
  const wrong = { ...assistant, content: "7" };
  const path = await write(
    "preferences.jsonl",
    jsonl(
      { prompt: "2*3", chosen: "6", rejected: "7" },
      { prompt: [user], chosen: [assistant], rejected: [wrong] },
      { chosen: [user, assistant], rejected: [user, wrong] },
    ),
  );
  assert.deepEqual(await loadPreferences(path), [
    { prompt: "2*3", chosen: "6", rejected: "7" },
    { prompt: [user], chosen: [assistant], rejected: [wrong] },
    { chosen: { messages: [user, assistant] }, rejected: { messages: [user, wrong] } },
  ]);
  const bad = await write("bad.jsonl", jsonl({ text: "1" }, { question: "2" }));
  await assert.rejects(loadExamples(bad), (error) => {
    assert.ok(error instanceof DatasetError);
    assert.match(error.message, /bad\.jsonl, row 2: it has question, but messages, or prompt and completion, or text/);
    return true;
  });
  await assert.rejects(loadPreferences(bad), /row 1: it has text, but prompt, chosen and rejected/);
});
