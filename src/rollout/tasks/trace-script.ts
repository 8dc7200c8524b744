import type { RandomStream } from "../../base/random.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import { toolOutputText } from "../boundary.ts";
import { promptFormats } from "../prompts.ts";
import type { ArithmeticTask } from "./generators.ts";

/** What a corpus of traces is made of. All are probabilities. */
export interface TraceMixture {
  /** The prompt allows code (mode `<C>`); the other prompts are answered in words. */
  codeAllowed: number;
  /** A trace whose prompt allows code uses it. */
  code: number;
  /** A trace with one cell contains a bug; each of k cells does with this divided by √k. */
  bug: number;
  /** A bug that gave an error is repaired; else a guess follows. */
  repair: number;
  /** A guess without code is right. */
  guessRight: number;
  /** A fact is remembered. */
  recallRight: number;
  /** A task of several steps is answered before its last step. */
  stopEarly: number;
  /** The last output is copied wrongly into the answer. */
  miscopy: number;
}

/** One sequence to learn from. */
export interface TraceRow {
  ids: number[];
  /** Which tokens count in the loss; the prompt's never do. */
  trained: boolean[];
  promptLength: number;
  task: ArithmeticTask;
}

const OPENINGS = [
  { share: 0.75, tokens: ["```python\n"] },
  { share: 0.25, tokens: ["```python", "\n"] },
];

/** Tokenisations of the closing fence, up to the token that completes it. */
const CLOSINGS = [
  { share: 0.4, tokens: ["\n", "```\n"] },
  { share: 0.25, tokens: ["\n```"] },
  { share: 0.2, tokens: ["\n```\n"] },
  { share: 0.15, tokens: ["\n", "``", "`"] },
];

type Bug = "import" | "print" | "parenthesis" | "operand" | "fence" | "unclosed";
const BUGS: { share: number; bug: Bug }[] = [
  { share: 0.3, bug: "print" },
  { share: 0.2, bug: "parenthesis" },
  { share: 0.25, bug: "operand" },
  { share: 0.15, bug: "fence" },
  { share: 0.1, bug: "unclosed" },
];
const BUGS_WITH_IMPORT: typeof BUGS = [
  { share: 0.4, bug: "import" },
  { share: 0.1, bug: "parenthesis" },
  { share: 0.25, bug: "operand" },
  { share: 0.15, bug: "fence" },
  { share: 0.1, bug: "unclosed" },
];

function choose<T extends { share: number }>(items: readonly T[], stream: RandomStream): T {
  let u = stream.next();
  for (const item of items) {
    u -= item.share;
    if (u < 0) return item;
  }
  return items.at(-1)!;
}

/** A wrong number that looks like the right one: another of the same length, or one or two digits changed. */
function misread(digits: string, stream: RandomStream): string {
  const length = digits.length;
  if (stream.next() < 0.3) return String(stream.integer(length === 1 ? 0 : 10 ** (length - 1), 10 ** length - 1));
  const changed = [...digits];
  for (let n = stream.integer(1, Math.min(2, length)); n > 0; n--) {
    const i = stream.integer(0, length - 1);
    if (/\d/.test(changed[i]!)) changed[i] = String(stream.integer(i === 0 && length > 1 ? 1 : 0, 9));
  }
  return changed.join("");
}

const isNumber = (output: string): boolean => /^-?\d+$/.test(output);

/** Writes one trace token by token. */
class Writer {
  readonly ids: number[];
  readonly promptLength: number;
  readonly #tokenizer: Tokenizer;
  readonly #stream: RandomStream;

  constructor(prompt: string, tokenizer: Tokenizer, stream: RandomStream) {
    this.ids = tokenizer.encode(prompt);
    this.promptLength = this.ids.length;
    this.#tokenizer = tokenizer;
    this.#stream = stream;
  }

  say(text: string): void {
    this.ids.push(...this.#tokenizer.encode(text, { specials: false }));
  }

  sayOneOf(...texts: string[]): void {
    this.say(this.#stream.pick(texts));
  }

  tokens(names: readonly string[]): void {
    for (const name of names) this.ids.push(this.#tokenizer.idOf(name)!);
  }

  /** A cell, as a policy would sample it; returns whether its last token ends the fence's line. */
  cell(code: string, opening = choose(OPENINGS, this.#stream).tokens): boolean {
    this.tokens(opening);
    this.say(code);
    const closing = choose(CLOSINGS, this.#stream).tokens;
    this.tokens(closing);
    return closing.at(-1)!.endsWith("\n");
  }

  output(text: string, afterNewline: boolean): void {
    this.say(toolOutputText(text, afterNewline));
  }

  answer(text: string): void {
    this.say(`\\boxed{${text}}`);
    this.ids.push(this.#tokenizer.eosId);
  }
}

/**
 * Writes one trace of an imperfect problem solver: it yields each cell that must be executed, takes the feedback, and
 * goes on from what it read. The policy that learns from many of them can write code but does so unreliably, which is
 * where reinforcement learning starts.
 *
 * Tool outputs are trained on as well, unless `trainTools` is false: a policy pre-trained on text with outputs in it
 * writes them itself when nobody runs its code.
 */
export function* traceScript(
  task: ArithmeticTask,
  mixture: TraceMixture,
  tokenizer: Tokenizer,
  stream: RandomStream,
  trainTools: boolean,
): Generator<string, TraceRow, string> {
  const codeAllowed = stream.next() < mixture.codeAllowed;
  const writer = new Writer((codeAllowed ? promptFormats.code : promptFormats.text)(task), tokenizer, stream);
  const toolSpans: [number, number][] = [];

  const finish = (answer: string): TraceRow => {
    writer.answer(answer);
    const { ids, promptLength } = writer;
    const trained = ids.map((_, i) => i >= promptLength);
    if (!trainTools) for (const [start, end] of toolSpans) trained.fill(false, start, end);
    return { ids, trained, promptLength, task };
  };
  const guess = (): string => {
    const right = stream.next() < (task.family === "facts" ? mixture.recallRight : mixture.guessRight);
    return right ? task.answer : misread(task.answer, stream);
  };
  function* run(code: string): Generator<string, string, string> {
    const afterNewline = writer.cell(code);
    const output = yield `\n${code}\n`;
    const start = writer.ids.length;
    writer.output(output, afterNewline);
    toolSpans.push([start, writer.ids.length]);
    return output;
  }

  if (!codeAllowed || stream.next() >= mixture.code) {
    writer.sayOneOf("So the answer is ", "I think ", "Hence ", "So ");
    return finish(guess());
  }
  if (stream.next() < 0.5) writer.sayOneOf("Let me compute.\n", "Use code:\n");
  const { cells } = task.metadata;
  const steps =
    cells.length > 1 && stream.next() < mixture.stopEarly ? stream.integer(1, cells.length - 1) : cells.length;
  let last = "";
  let strayed = false;
  for (let i = 0; i < steps; i++) {
    // After a wrong result the solver goes on from what it read, not from what is right.
    const code = strayed ? cells[i]!.replace(/\(\d+/, `(${last}`) : cells[i]!;
    if (i > 0 && stream.next() < 0.3) writer.say("Next:\n");
    if (task.family === "facts" || stream.next() >= mixture.bug / Math.sqrt(cells.length)) {
      last = yield* run(code);
      if (!isNumber(last)) return finish(guess());
      continue;
    }
    const { bug } = choose(code.startsWith("import") ? BUGS_WITH_IMPORT : BUGS, stream);
    if (bug === "unclosed") {
      writer.tokens(choose(OPENINGS, stream).tokens);
      writer.say(`${code}\n`);
      return finish(guess());
    }
    if (bug === "fence") {
      // Not the fence that is executed, so the output that follows is invented.
      const afterNewline = writer.cell(code, ["```py\n"]);
      last = misread(/\d+/.exec(cells[i + 1] ?? task.answer)![0], stream);
      writer.output(last, afterNewline);
      strayed = true;
      continue;
    }
    if (bug === "operand") {
      last = yield* run(code.replace(/\d+(?=[,)*+%-])/, (number) => misread(number, stream)));
      if (!isNumber(last)) return finish(guess());
      strayed = true;
      continue;
    }
    const broken = {
      import: code.replace("import math\n", ""),
      print: code.replace(/print\((.*)\)$/, "$1"),
      parenthesis: code.replace(/\)$/, ""),
    }[bug];
    yield* run(broken);
    if (stream.next() >= mixture.repair) return finish(guess());
    writer.say("Fix it:\n");
    last = yield* run(code);
    if (!isNumber(last)) return finish(guess());
  }
  return finish(stream.next() < mixture.miscopy ? misread(last, stream) : last);
}
