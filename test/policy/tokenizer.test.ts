import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointError } from "../../src/base/errors.ts";
import { RandomStream } from "../../src/base/random.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Tokenizer } from "../../src/policy/tokenizer.ts";

const tokenizer = tinyMathTokenizer();

/** Made with Python's tokenizers 0.23.3 from the same tokenizer.json. */
const pythonVectors: [string, number[]][] = [
  ["<C>37*42+15=?", [4, 79, 83, 70, 80, 78, 71, 77, 81, 89, 91]],
  ["<T>gcd 84,36=?", [3, 25, 60, 84, 80, 72, 79, 82, 89, 91]],
  ["```python\nprint(37*42+15)\n```\n", [5, 22, 79, 83, 70, 80, 78, 71, 77, 81, 69, 10]],
  ["\n```output\n1569\n```\n", [8, 77, 81, 82, 85, 10]],
  ["`````\n", [13, 14, 59]],
  ["aéb", [125, 2, 126]],
  ["x<eos>y", [148, 1, 149]],
  ["NameError: name 'math' is not defined", [42, 23, 43]],
  ["So the answer is \\boxed{1569}<eos>", [27, 28, 26, 77, 81, 82, 85, 153, 1]],
  ["import math\nprint(math.gcd(84,36))", [16, 22, 18, 84, 80, 72, 79, 82, 69, 69]],
  ["ZeroDivisionError: division by zero", [37]],
  ["IndexError: list index out of range", [47, 136, 133, 143, 144, 60, 133, 138, 128, 129, 148, 51]],
  [" <C> ", [60, 4, 60]],
];

test("ids equal those of Python's tokenizers", () => {
  for (const [text, ids] of pythonVectors) assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
});

test("any printable text comes back exactly, and decoding joins the token texts", () => {
  const stream = new RandomStream(1, "tokenizer");
  for (let round = 0; round < 2000; round++) {
    const ids = Array.from({ length: stream.integer(0, 20) }, () => stream.integer(0, tokenizer.vocabSize - 1));
    const text = tokenizer.decode(ids);
    assert.equal(text, ids.map((id) => tokenizer.tokenText(id)).join(""));
    const again = tokenizer.encode(text, { specials: false });
    assert.equal(tokenizer.decode(again), text);
    assert.ok(!again.some((id) => tokenizer.specialIds.has(id)));
  }
});

test("encoding takes the longest token at each place", () => {
  const texts = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenText(id)).filter(Boolean);
  const greedy = (text: string): string[] => {
    if (!text) return [];
    const token = texts.filter((t) => text.startsWith(t)).sort((a, b) => b.length - a.length)[0]!;
    return [token, ...greedy(text.slice(token.length))];
  };
  const stream = new RandomStream(2, "tokenizer");
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: stream.integer(1, 8) }, () => stream.pick(texts)).join("");
    const tokens = tokenizer.encode(text, { specials: false }).map((id) => tokenizer.tokenText(id));
    assert.deepEqual(tokens, greedy(text));
  }
});

test("special tokens have no text, and text from outside cannot become one", () => {
  assert.equal(tokenizer.decode([tokenizer.eosId, tokenizer.padId, tokenizer.idOf("<C>")!]), "");
  assert.ok(tokenizer.encode("1<eos>").includes(tokenizer.eosId));
  assert.ok(!tokenizer.encode("1<eos>", { specials: false }).includes(tokenizer.eosId));
});

test("one fence has several tokenisations", () => {
  for (const pieces of [["\n", "```\n"], ["\n```", "\n"], ["\n```\n"], ["\n", "``", "`", "\n"], ["\n", "```", "\n"]]) {
    assert.equal(tokenizer.decode(pieces.map((piece) => tokenizer.idOf(piece)!)), "\n```\n");
  }
});

test("tokenizer.json written and read again gives the same tokenizer", () => {
  const again = Tokenizer.fromJSON(JSON.parse(JSON.stringify(tokenizer)));
  assert.equal(again.vocabSize, tokenizer.vocabSize);
  for (const [text, ids] of pythonVectors) assert.deepEqual(again.encode(text), ids);
});

test("a bad tokenizer.json is refused with what is wrong", () => {
  const good = () => structuredClone(tokenizer.toJSON());
  assert.throws(() => Tokenizer.fromJSON("x"), CheckpointError);
  assert.throws(() => Tokenizer.fromJSON({ ...good(), model: { type: "WordPiece" } }), /model\.vocab/);
  assert.throws(
    () => Tokenizer.fromJSON({ ...good(), decoder: { type: "ByteLevel" } }),
    /"ByteLevel" is not supported/,
  );
  const hole = good();
  delete hole.model.vocab["print("];
  assert.throws(() => Tokenizer.fromJSON(hole), /must be 0 to 153/);
  const twice = good();
  twice.model.vocab["<eos>"] = 7;
  assert.throws(() => Tokenizer.fromJSON(twice), /two ids/);
  assert.throws(() => Tokenizer.fromJSON(good(), { eos: "<|endoftext|>" }), /no eos token/);
  assert.throws(() => Tokenizer.fromJSON({ ...good(), model: { ...good().model, type: "Unigram" } }), /model\.type/);
});
