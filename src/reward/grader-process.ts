// The process in which answers are compared: a line `{ id, gold, answer }` in, a line `{ id, judgement }` or `{ id, error }`
// out. It touches nothing but its standard streams; whoever started it ends it at the time limit.
import { createInterface } from "node:readline";
import { judge } from "./math/equivalence.ts";
import type { CheckedEquivalence } from "./math/options.ts";

interface Request {
  id: number;
  gold: string;
  answer: string;
}

const options = JSON.parse(process.argv[2]!) as CheckedEquivalence;
const send = (message: object): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);

// The first comparisons compile the code; a caller's limit must not pay for that.
for (const answer of ["2x+1", "(1, 2]", "\\sqrt{8}"]) judge("1+2x", answer, options);
send({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, gold, answer } = JSON.parse(line) as Request;
  try {
    send({ id, judgement: judge(gold, answer, options) });
  } catch (error) {
    send({ id, error: error instanceof Error ? error.message : String(error) });
  }
}
