import assert from "node:assert/strict";
import { test } from "node:test";
import { readPercent, type Script, type ScriptCell, writePercent } from "../../server/pairing/percent.ts";

/** Numbers from 0 up to `below`, the same ones in every run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Lines that could be taken for something else, and parts of them. */
const pieces = [
  ..."const x = 1;|*/|/* open|// %%|// %% [markdown]|//%%|// \\%% x|  // %%|// %%%|%%python|%%python --session|%%time".split(
    "|",
  ),
  ..."%pwd|// %pwd|// // %pwd|// %%time|%|%%|// ---|// jupyter:|# Title|```ts|`| |\t|//|// |/|\\|é|😀|\u2028|\u0085|\ufeff|\r|\r\n".split(
    "|",
  ),
  ..."\n|\n|\n|\n\n|\0|a|b = [1, 2]|{|}|\"|'|key=1|[markdown]".split("|"),
];

const values: unknown[] = [
  null,
  true,
  1,
  -2.5,
  "",
  "plain",
  "with space",
  'quo"te',
  "line\nbreak",
  "\u2028",
  "// %%",
  [],
  ["a", "b c"],
  {},
  { a: { b: [1, " x "] } },
  "yes",
  "0x1",
  "1e3",
  "~",
  "- a",
  "'",
];
const keys = [
  "tags",
  "title",
  "end",
  "cell_id",
  "blank_lines",
  "language",
  "metadata",
  "cell_depth",
  "with space",
  "a.b",
  "é",
  "slide_type",
  "[",
];

function randomScript(pick: (below: number) => number): Script {
  const oneOf = <T>(list: readonly T[]): T => list[pick(list.length)]!;
  const record = (): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: pick(3) * pick(2) }, () => [oneOf(keys), oneOf(values)]));
  const cell = (): ScriptCell => ({
    cell_type: oneOf(["code", "code", "markdown", "raw"] as const),
    metadata: record(),
    source: Array.from({ length: pick(9) }, () => oneOf(pieces)).join(""),
    ...(pick(2) ? { id: `c${pick(1000)}` } : {}),
  });
  return { metadata: record(), cells: Array.from({ length: pick(6) }, cell) };
}

test("a random notebook is the same after a round trip, and its script is stable", () => {
  for (let seed = 0; seed < 1500; seed++) {
    const script = randomScript(numbers(seed));
    const text = writePercent(script, { ids: true });
    assert.deepEqual(readPercent(text), script, `seed ${seed}\n${JSON.stringify(script)}\n${text}`);
    assert.equal(writePercent(readPercent(text), { ids: true }), text, `seed ${seed}`);
  }
});

test("a script reads as jupytext writes it", () => {
  const script: Script = {
    metadata: { kernelspec: { display_name: "TypeScript (CIR Lab)", language: "typescript", name: "cirlab" } },
    cells: [
      { cell_type: "markdown", metadata: {}, source: "# Title\n\nText with */ in it." },
      {
        cell_type: "code",
        metadata: { tags: ["parameters", "b"], slideshow: { slide_type: "slide" } },
        source: "let steps = 10;\n\nsteps",
      },
      { cell_type: "code", metadata: { title: "Python too" }, source: "%%python\nprint(1)" },
      { cell_type: "raw", metadata: {}, source: "raw" },
    ],
  };
  assert.equal(
    writePercent(script),
    `// ---
// jupyter:
//   jupytext:
//     text_representation:
//       extension: .ts
//       format_name: percent
//       format_version: '1.3'
//   kernelspec:
//     display_name: TypeScript (CIR Lab)
//     language: typescript
//     name: cirlab
// ---

// %% [markdown]
// # Title
//
// Text with */ in it.

// %% tags=["parameters", "b"] slideshow={"slide_type": "slide"}
let steps = 10;

steps

// %% Python too language="python"
// print(1)

// %% [raw]
// raw
`,
  );
});

test("scripts of other hands: no header, Windows line breaks, blank lines between cells, code before the first cell", () => {
  const text =
    'import a from \'a\';\r\n\r\n//%%\r\nconst x = 1;\r\n\r\n\r\n\r\n// %% [md] {"tags": ["t"]}\r\n// Some *text*\r\nnot a comment\r\n';
  assert.deepEqual(readPercent(text), {
    metadata: {},
    cells: [
      { cell_type: "code", metadata: {}, source: "import a from 'a';" },
      { cell_type: "code", metadata: {}, source: "const x = 1;" },
      { cell_type: "markdown", metadata: { tags: ["t"] }, source: "Some *text*\nnot a comment" },
    ],
  });
});
