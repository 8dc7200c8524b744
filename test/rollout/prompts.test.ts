import assert from "node:assert/strict";
import { test } from "node:test";
import { promptText } from "../../src/rollout/prompts.ts";

const task = { id: "a", family: "f", prompt: "What is 1+1?", answer: "2", metadata: {} };

test("CIR's prompt puts the problem last, on a line of its own", () => {
  const text = promptText("cir", task, { packages: ["sympy 1.14.0"] });
  assert.match(text, /^Please solve the following problem step by step\. .* within \\boxed\{\}\.\nWhat is 1\+1\?$/);
  assert.ok(!text.includes("sympy"));
});

test("a prompt can say which packages the interpreter offers, or that there are none", () => {
  assert.match(
    promptText("cir-packages", task, { packages: ["numpy 2.3.1", "sympy 1.14.0"] }),
    /library, numpy 2\.3\.1, sympy 1\.14\.0;/,
  );
  assert.match(promptText("cir-packages", task, { packages: [] }), /standard library; nothing else/);
});
