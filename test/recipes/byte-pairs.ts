import { Tokenizer } from "../../src/policy/tokenizer.ts";

/**
 * A small byte-pair tokenizer, trained on pieces of text as Sennrich et al. (arXiv:1508.07909) do: the most frequent pair of
 * neighbours becomes a token, again and again. Every printable ASCII character and the newline have a token.
 */
export function trainBytePairs(pieces: readonly string[], merges: number): Tokenizer {
  const specials = ["<pad>", "<eos>", "<unk>"];
  const characters = ["\n", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))];
  const vocabulary = new Set([...specials, ...characters]);
  const words = pieces.map((piece) => [...piece]);
  const rules: [string, string][] = [];
  for (let round = 0; round < merges; round++) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const word of words)
      for (let i = 1; i < word.length; i++) {
        const pair: [string, string] = [word[i - 1]!, word[i]!];
        const entry = counts.get(JSON.stringify(pair)) ?? { pair, count: 0 };
        entry.count++;
        counts.set(JSON.stringify(pair), entry);
      }
    const best = [...counts.values()].sort((a, b) => b.count - a.count)[0];
    if (!best) break;
    const [left, right] = best.pair;
    rules.push(best.pair);
    vocabulary.add(left + right);
    for (const word of words)
      for (let i = 1; i < word.length; i++)
        if (word[i - 1] === left && word[i] === right) word.splice(i - 1, 2, left + right);
  }
  const added = specials.map((content, id) => ({ id, content, special: true, normalized: false }));
  return Tokenizer.fromJSON({
    version: "1.0",
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: false,
      vocab: Object.fromEntries([...vocabulary].map((token, id) => [token, id])),
      merges: rules,
    },
  });
}
