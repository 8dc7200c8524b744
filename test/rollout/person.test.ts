import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../src/base/modules.ts";
import { TestKernel } from "../kernel/client.ts";

const setUp = `
import { agents, Interpreter, Lab, tasks } from "cirlab";
const lab = new Lab({ seed: 1, device: "cpu" });
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
const task = { ...tasks.arithmetic().at(0), prompt: "6*7=?", answer: "42" };
const rollout = lab.rollout({ agent: agents.person(), interpreter: js, task });`;
const typed = ["I compute.", "```python", "const x = 6", "", "console.log(x*7)", "```", "So \\boxed{42}", ""];
const text = `${typed.slice(0, 6).join("\n")}\n\`\`\`output\n42\n\`\`\`\nSo \\boxed{42}`;

test("a person types a rollout into a cell; an interrupt leaves it open, and it goes on in the next cell", async () => {
  const kernel = await TestKernel.start();
  const prompts: unknown[] = [];
  let lines: string[] = [];
  const stop = kernel.client.onMessage((message) => {
    if (message.header.msg_type !== "input_request") return;
    prompts.push(message.content.prompt);
    const value = lines.shift();
    if (value !== undefined) void kernel.client.send("stdin", kernel.client.message("input_reply", { value }));
    else void kernel.interrupt();
  });
  try {
    const ready = await kernel.execute(setUp);
    assert.equal(ready.reply.status, "ok", `${ready.reply.traceback}`);
    lines = typed.slice(0, 3);
    const broken = await kernel.execute("await rollout.finish();");
    assert.equal(broken.reply.ename, "InterruptedError", "while it waits for the fourth line");
    lines = [...typed];
    const done = await kernel.execute("await rollout.finish();\n[rollout.stopReason, rollout.reward]");
    assert.equal(done.result, "[ 'completed', 1 ]", `${done.reply.traceback}`);
    const sources = await kernel.execute(
      `rollout.text === ${JSON.stringify(text)} && new Set(rollout.trajectory.sources)`,
    );
    assert.equal(sources.result, "Set(3) { 'prompt', 'person', 'tool' }", `${sources.reply.traceback}`);
    const printed = JSON.stringify(done.messages.map(({ content }) => content));
    assert.match(printed, /6\*7=\?/, "the prompt stands in the cell");
    assert.match(printed, /```output\\n42/, "and so does the output");
    assert.equal(prompts.length, 4 + typed.length);
    await kernel.execute("await js.close()");
  } finally {
    stop();
    await kernel.stop();
  }
});

test("outside of a notebook a person types into standard input, and may leave the rest of a mixture to the policy", async () => {
  const child = spawn(process.execPath, [fileURLToPath(siblingModule(import.meta.url, "./person-child"))]);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (part: string) => {
      output[name] += part;
    });
  child.stdin.end([...typed, "So 6*7 = ", "..."].map((line) => `${line}\n`).join(""));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, output.stderr);
  const [alone, mixed] = JSON.parse(output.stdout.trim().split("\n").at(-1)!);
  assert.deepEqual(alone, { text, reward: 1, sources: ["prompt", "person", "tool"] });
  assert.ok(mixed.text.startsWith("So 6*7 = \n"), mixed.text);
  assert.deepEqual(mixed.sources, ["prompt", "person", "sampled"]);
});
