import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { CheckpointError } from "../base/errors.ts";

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int().nonnegative(), content: z.string().min(1), special: z.boolean() })),
  normalizer: z.looseObject({}).nullable(),
  pre_tokenizer: z.looseObject({}).nullable(),
  post_processor: z.looseObject({}).nullable(),
  decoder: z.looseObject({ type: z.string() }).nullable(),
  model: z.looseObject({
    type: z.enum(["WordPiece", "BPE"]),
    vocab: z.record(z.string(), z.int().nonnegative()),
    unk_token: z.string().nullish(),
  }),
});

/** A tokenizer.json object of Hugging Face's tokenizers library, the parts that the lab looks at. */
export type TokenizerJSON = z.infer<typeof tokenizerSchema>;

/** Names of the tokens with a role; tokenizer_config.json keeps them, tokenizer.json does not. */
export interface TokenizerRoles {
  pad: string;
  eos: string;
  unk: string;
}

const DEFAULT_ROLES: TokenizerRoles = { pad: "<pad>", eos: "<eos>", unk: "<unk>" };

/**
 * Text to token ids and back, over Hugging Face's tokenizer.json. The tokenizer must be concatenative (decoder `Fuse`):
 * the text of a sequence is exactly its tokens' texts joined, and special tokens have no text. `encode` gives one
 * canonical tokenisation; a policy may sample others of the same text, so ids are never made again from text.
 *
 * @example
 * const tokenizer = Tokenizer.fromJSON(JSON.parse(await readFile("tokenizer.json", "utf8")));
 * tokenizer.decode(tokenizer.encode("print(6*7)"));
 */
export class Tokenizer {
  /** Number of ids; every id from 0 to `vocabSize - 1` has a token. */
  readonly vocabSize: number;
  readonly padId: number;
  readonly eosId: number;
  readonly unkId: number;
  /** Ids of the tokens that decode to nothing. */
  readonly specialIds: ReadonlySet<number>;
  readonly #json: TokenizerJSON;
  readonly #roles: TokenizerRoles;
  readonly #library: HuggingFaceTokenizer;
  /** The same tokenizer without special tokens, for text that must not become any. */
  readonly #plain: HuggingFaceTokenizer;
  readonly #texts: readonly string[];
  readonly #names: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  private constructor(json: TokenizerJSON, roles: TokenizerRoles) {
    const ids = new Map(Object.entries(json.model.vocab));
    for (const token of json.added_tokens) {
      const known = ids.get(token.content);
      if (known !== undefined && known !== token.id) {
        throw new CheckpointError(
          `Tokenizer: token ${JSON.stringify(token.content)} has two ids, ${known} and ${token.id}.`,
        );
      }
      ids.set(token.content, token.id);
    }
    const texts: string[] = [];
    for (const [text, id] of ids) {
      if (id >= ids.size || texts[id] !== undefined) {
        throw new CheckpointError(
          `Tokenizer: the ids of ${ids.size} tokens must be 0 to ${ids.size - 1}, each once; ${JSON.stringify(text)} has ${id}.`,
        );
      }
      texts[id] = text;
    }
    const role = (name: keyof TokenizerRoles): number => {
      const id = ids.get(roles[name]);
      if (id === undefined) {
        throw new CheckpointError(`Tokenizer: no ${name} token ${JSON.stringify(roles[name])} in the vocabulary.`);
      }
      return id;
    };
    this.vocabSize = texts.length;
    this.padId = role("pad");
    this.eosId = role("eos");
    this.unkId = role("unk");
    this.specialIds = new Set(json.added_tokens.filter((token) => token.special).map((token) => token.id));
    this.#json = json;
    this.#roles = roles;
    this.#ids = ids;
    this.#names = texts;
    this.#texts = texts.map((text, id) => (this.specialIds.has(id) ? "" : text));
    try {
      this.#library = new HuggingFaceTokenizer(json, {});
      this.#plain = new HuggingFaceTokenizer({ ...json, added_tokens: [] }, {});
    } catch (error) {
      throw new CheckpointError(`Tokenizer: the tokenizers library refused it: ${String(error)}.`, undefined, error);
    }
  }

  /**
   * Reads a tokenizer.json object.
   *
   * @param roles names of the padding, end and unknown tokens, where they are not `<pad>`, `<eos>` and `<unk>`.
   * @throws CheckpointError when the object is malformed, incomplete, or its tokens cannot simply be joined.
   */
  static fromJSON(json: unknown, roles: Partial<TokenizerRoles> = {}): Tokenizer {
    const parsed = tokenizerSchema.safeParse(json);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new CheckpointError(
        `Not a tokenizer.json: ${issue.path.map(String).join(".") || "the file"}: ${issue.message}.`,
      );
    }
    if (parsed.data.decoder?.type !== "Fuse") {
      throw new CheckpointError(
        `Tokenizer: decoder ${JSON.stringify(parsed.data.decoder?.type ?? null)} is not supported.`,
        'Only tokenizers whose tokens are joined as they are (decoder "Fuse") can be loaded.',
      );
    }
    return new Tokenizer(parsed.data, { ...DEFAULT_ROLES, ...roles });
  }

  /**
   * A tokenizer that takes, from left to right, the longest token that fits; a character without a token becomes the
   * unknown token. Ids follow the order given, special tokens first.
   *
   * @param specials must hold `<pad>`, `<eos>` and `<unk>`.
   */
  static greedy({ specials, tokens }: { specials: readonly string[]; tokens: readonly string[] }): Tokenizer {
    const longestFirst = tokens.filter((token) => token.length > 1).sort((a, b) => b.length - a.length);
    const pattern = [...longestFirst.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")), "[\\s\\S]"].join(
      "|",
    );
    return Tokenizer.fromJSON({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: specials.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      // One alternation, longest first, is the greedy rule; the model then only looks each piece up.
      pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
      post_processor: null,
      decoder: { type: "Fuse" },
      model: {
        type: "WordPiece",
        unk_token: DEFAULT_ROLES.unk,
        continuing_subword_prefix: "",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries([...specials, ...tokens].map((token, id) => [token, id])),
      },
    });
  }

  /**
   * @param options.specials with `false`, the name of a special token in the text is ordinary text. Use it for text
   *   from outside (tool output), which must never end or redirect a sequence.
   */
  encode(text: string, { specials = true }: { specials?: boolean } = {}): number[] {
    return (specials ? this.#library : this.#plain).encode(text, { add_special_tokens: false }).ids;
  }

  /** The tokens' texts, joined. */
  decode(ids: Iterable<number>): string {
    let text = "";
    for (const id of ids) text += this.tokenText(id);
    return text;
  }

  /** The text that a token adds to its sequence: `""` for special tokens. */
  tokenText(id: number): string {
    const text = this.#texts[id];
    if (text === undefined) throw new RangeError(`Token id ${id} is not between 0 and ${this.vocabSize - 1}.`);
    return text;
  }

  /** A token's name: its text, or what stands for a special token, such as `<eos>`. */
  tokenName(id: number): string {
    return this.#names[id] ?? this.tokenText(id);
  }

  /** The id of one token by its name (special tokens included), or undefined. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The object of tokenizer.json. */
  toJSON(): TokenizerJSON {
    return this.#json;
  }

  /** The object of tokenizer_config.json, with which Python's transformers loads the tokenizer. */
  configJSON(): Record<string, unknown> {
    return {
      tokenizer_class: "PreTrainedTokenizerFast",
      pad_token: this.#roles.pad,
      eos_token: this.#roles.eos,
      unk_token: this.#roles.unk,
      clean_up_tokenization_spaces: false,
    };
  }
}
