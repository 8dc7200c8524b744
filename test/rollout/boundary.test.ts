import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomStream } from "../../src/base/random.ts";
import { BoundaryMatcher, findCodeBlock, toolOutputText } from "../../src/rollout/boundary.ts";

/** Vectors of arXiv:2505.24480's own functions (`detect_code`, `process_string`): text, and what is kept. */
const vectors: { text: string; kept?: string }[] = [
  { text: "a ```python\nprint(1)\n``` tail ```output\n9\n```", kept: "a ```python\nprint(1)\n```" },
  { text: "```python\n```" },
  { text: "```python\nx" },
  { text: "```python\nprint(1)\n```python\nprint(2)\n```", kept: "```python\nprint(1)\n```" },
  { text: "```\nprint(1)\n```" },
  { text: "```py\nprint(1)\n```" },
  { text: '```python\nprint("```")\n```', kept: '```python\nprint("```' },
];

test("the boundary rule keeps what the paper's functions keep", () => {
  for (const { text, kept } of vectors) {
    const block = findCodeBlock(text);
    assert.equal(block && text.slice(0, block.end), kept, JSON.stringify(text));
  }
  assert.equal(findCodeBlock("a ```python\nprint(1)\n``` tail")?.code, "\nprint(1)\n");
});

test("an empty first block hides later ones, as in the paper", () => {
  assert.equal(findCodeBlock("```python \n``` then ```python\nprint(1)\n```"), undefined);
});

/** Cuts a text into tokens at random places. */
function cut(text: string, stream: RandomStream): string[] {
  const tokens: string[] = [];
  for (let i = 0; i < text.length; ) {
    const length = stream.integer(1, 6);
    tokens.push(text.slice(i, i + length));
    i += length;
  }
  return tokens;
}

test("matching while sampling keeps the same text as cutting afterwards, at the token that completes the fence", () => {
  const stream = new RandomStream(1, "boundary");
  const pieces = [
    "```python",
    "```",
    "``",
    "`",
    "python",
    "\n",
    " ",
    "x",
    "print(1)",
    "```py",
    "output\n",
    "```python\n",
  ];
  let found = 0;
  let split = 0;
  for (let round = 0; round < 20_000; round++) {
    const parts = Array.from({ length: stream.integer(1, 10) }, () => stream.pick(pieces));
    const text = parts.join("");
    const tokens = stream.next() < 0.5 ? parts : cut(text, stream);
    const matcher = new BoundaryMatcher();
    const expected = findCodeBlock(text);
    let sampled = "";
    let boundary: ReturnType<BoundaryMatcher["push"]>;
    for (const token of tokens) {
      const before = sampled.length;
      sampled += token;
      boundary = matcher.push(token);
      if (boundary) {
        assert.ok(before < boundary.end && boundary.end <= sampled.length, "fires at the completing token");
        if (boundary.end < sampled.length) split++;
        break;
      }
    }
    assert.equal(boundary?.end, expected?.end, JSON.stringify(tokens));
    if (boundary) {
      found++;
      assert.equal(boundary.code, expected!.code);
      assert.equal(boundary.overflow, sampled.slice(boundary.end));
    }
  }
  assert.ok(found > 2000 && split > 500, `random texts reach both cases (${found} found, ${split} inside a token)`);
});

test("a matcher fires once and can be used again after a tool output", () => {
  const matcher = new BoundaryMatcher();
  assert.equal(matcher.push("```python\nprint(1)\n"), undefined);
  assert.deepEqual(matcher.push("```\n"), { code: "\nprint(1)\n", end: 22, overflow: "\n" });
  assert.equal(matcher.push("```python\nprint(2)\n```"), undefined);
  matcher.reset();
  assert.equal(matcher.push("```python\nprint(2)\n```")?.code, "\nprint(2)\n");
});

test("the tool text is the same whichever token closed the fence", () => {
  assert.equal(`\`\`\`${toolOutputText("4", false)}`, "```\n```output\n4\n```\n");
  assert.equal(`\`\`\`\n${toolOutputText("4", true)}`, "```\n```output\n4\n```\n");
});

test("a stop token sees a fence in one tokenisation alone, and nothing is cut", () => {
  const push = (tokens: readonly string[]) => {
    const matcher = new BoundaryMatcher("stopToken");
    return tokens.map((token) => matcher.push(token)).filter((found) => found !== undefined);
  };
  assert.deepEqual(push(["```python\n", "print(1)", "\n", "```\n"]), [
    { code: "\nprint(1)\n", end: 22, overflow: "\n" },
  ]);
  for (const closing of [["\n```"], ["\n```\n"], ["\n", "``", "`"]])
    assert.deepEqual(push(["```python\n", "print(1)", ...closing, "\\boxed{1}"]), []);
  // What was written after an unnoticed fence stays, up to the token; the code is the first block's.
  const missed = ["```python\n", "print(1)", "\n```", "\n```output\n", "9", "\n", "```\n"];
  const [found] = push(missed);
  assert.equal(found?.code, "\nprint(1)\n");
  assert.equal(found.end, missed.join("").length - 1);
  assert.deepEqual(push(["```\n", "```py\n", "print(1)", "\n", "```\n"]), [], "without an opening nothing runs");
});
