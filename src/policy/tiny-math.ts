import { Tokenizer } from "./tokenizer.ts";

/** First token of a prompt: whether the policy may answer in text only or may also write code. */
export const TINY_MATH_MODES = { text: "<T>", code: "<C>" } as const;

const SPECIALS = ["<pad>", "<eos>", "<unk>", TINY_MATH_MODES.text, TINY_MATH_MODES.code];

/** Fences come in pieces that overlap, so that one fence has many tokenisations and a boundary can fall inside a token. */
const FENCES = [
  "```python\n",
  "```python",
  "```py\n",
  "\n```output\n",
  "```output\n",
  "\n```\n",
  "\n```",
  "```\n",
  "```",
  "``",
];

const CODE = ["python", "import math\n", "import math", "math.gcd(", "math.comb(", "pow(", "geo(", "print(", "math"];

const PROSE = [
  "geo",
  "gcd",
  "\\boxed{",
  "So",
  " the answer is ",
  "Let me compute.\n",
  "Use code:\n",
  "Fix it:\n",
  "Next:\n",
  "I think ",
  "Hence ",
];

/** The error lines that small programs produce, whole where they are frequent and in pieces where they vary. */
const ERRORS = [
  "SyntaxError: invalid syntax",
  "TypeError: expected string or bytes-like object",
  "ZeroDivisionError: division by zero",
  "Timeout Error",
  "Output Limit Error",
  "Crash Error",
  "MemoryError",
  "NameError: name '",
  "' is not defined",
  "TypeError: ",
  "ValueError: ",
  "AttributeError: ",
  "IndexError: ",
  "KeyError: ",
  "OverflowError: ",
  "Error: ",
  " out of range",
  "must be ",
  "a non-negative integer",
  " argument",
  " object",
  "' and '",
  "unsupported operand type(s) for ",
  " has no attribute '",
];

/** Every printable ASCII character and the newline: any normalised feedback line can be written without `<unk>`. */
const CHARACTERS = ["\n", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))];

/** The tokenizer of the built-in policy `tiny-math`. */
export function tinyMathTokenizer(): Tokenizer {
  return Tokenizer.greedy({ specials: SPECIALS, tokens: [...FENCES, ...CODE, ...PROSE, ...ERRORS, ...CHARACTERS] });
}
