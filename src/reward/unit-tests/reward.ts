/**
 * Programs judged by hidden tests: the last ` ```python ` block of the response is run once per test, each time in a
 * fresh snippet that knows the test's input and nothing else. What it printed is compared here, outside of Python, so
 * neither patched builtins nor a walk through frames can find an expected value, and a program that forges the
 * harness only changes its own answer.
 *
 * Reward = incorrect + (correct - incorrect) * share, share being the fraction of tests passed (`partial`, as in ProRL,
 * arXiv:2507.12507, code tasks; ReVeal, arXiv:2506.11442, uses 5 times it plus its format reward), or 1 only when all
 * pass. Differences: papers run all tests of a program in one process; here each has its own.
 */
import { z } from "zod";
import { InfrastructureError, InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import type { CodeInterpreter, ExecutionResult } from "../../interpreter/types.ts";
import type { Reward } from "../types.ts";
import { callProgram, returnedValue, sameValue } from "./call.ts";
import { type CallTest, type StreamTest, testsOf } from "./reference.ts";

const unitTestsSchema = z.strictObject({
  interpreter: z.custom<Pick<CodeInterpreter, "run">>(
    (value) => typeof (value as CodeInterpreter | undefined)?.run === "function",
    "give a started interpreter, for example PythonInterpreter.start()",
  ),
  /** Wall time of each test. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(5000),
  /** Reward the fraction of tests passed; else testing stops at the first failure and only all count. */
  partial: z.boolean().default(false),
  correct: z.number().default(1),
  incorrect: z.number().default(0),
});

/** Options of {@link unitTests}. */
export type UnitTestsOptions = z.input<typeof unitTestsSchema>;

/**
 * What became of one test. `wrong`: it ended well and its answer is another one; `noResult`: the call printed no
 * answer, or more than one; `notRun`: an earlier one failed; the others are the interpreter's.
 */
export type TestOutcome =
  | "passed"
  | "wrong"
  | "noResult"
  | "notRun"
  | Exclude<ExecutionResult["status"], "ok" | "infrastructure">;

/** The last closed block of Python in a response. */
export function lastProgram(text: string): string | undefined {
  const blocks = [...text.matchAll(/^[ \t]*```(?:python3?|py)[ \t]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm)];
  const code = blocks.at(-1)?.[1];
  return code?.trim() ? code : undefined;
}

const trimmedLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();

/**
 * The response's program against the task's hidden tests: `task.reference = { tests }`, or the same as JSON in
 * `task.answer`. `correct` means that all pass. The detail has the outcome of each test and the fraction passed; it is
 * for people, never for the policy. On Pyodide every test takes a fresh process unless the interpreter is started with
 * isolation `"pooled"`, which is as safe here: no process ever holds an expected value.
 *
 * @throws DatasetError when the task's tests cannot be used.
 * @throws InfrastructureError when the interpreter itself failed: that is no verdict about the program.
 */
export function unitTests(options: UnitTestsOptions): Reward {
  const settings = parseInput(unitTestsSchema, options, "options of unitTests");
  const { interpreter, timeoutMs, partial } = settings;
  if ("language" in interpreter && interpreter.language !== "python")
    throw new InvalidInputError(
      `unitTests tests Python programs, and this interpreter runs ${interpreter.language}.`,
      'Start one with language: "python".',
    );
  return {
    name: "unitTests",
    async score({ task, text }) {
      const tests = testsOf(task);
      const program = lastProgram(text);
      const outcomes: TestOutcome[] = tests.map(() => "notRun");
      const judge = async (i: number) => {
        outcomes[i] = await outcomeOf(program!, tests[i]!, interpreter, timeoutMs);
        return outcomes[i] === "passed";
      };
      if (program !== undefined && partial) await Promise.all(tests.map((_, i) => judge(i)));
      else if (program !== undefined) for (let i = 0; i < tests.length && (await judge(i)); i++);
      const passed = outcomes.filter((outcome) => outcome === "passed").length;
      const correct = passed === tests.length;
      const share = partial ? passed / tests.length : Number(correct);
      return {
        reward: settings.incorrect + (settings.correct - settings.incorrect) * share,
        correct,
        detail: { outcomes, passed, tests: tests.length, fraction: passed / tests.length, program: program ?? null },
      };
    },
  };
}

async function outcomeOf(
  program: string,
  test: StreamTest | CallTest,
  interpreter: Pick<CodeInterpreter, "run">,
  timeoutMs: number,
): Promise<TestOutcome> {
  if ("stdin" in test) {
    const result = await run(interpreter, program, { timeoutMs, stdin: test.stdin });
    if (result.status !== "ok") return result.status;
    return trimmedLines(result.stdout) === trimmedLines(test.stdout) ? "passed" : "wrong";
  }
  const { code, marker } = callProgram(program, test);
  const result = await run(interpreter, code, { timeoutMs });
  if (result.status !== "ok") return result.status;
  const found = returnedValue(result.stdout, marker);
  if (found === undefined) return "noResult";
  return sameValue(found, test.expected, test.tolerance) ? "passed" : "wrong";
}

async function run(
  interpreter: Pick<CodeInterpreter, "run">,
  code: string,
  options: { timeoutMs: number; stdin?: string },
): Promise<ExecutionResult & { status: Exclude<ExecutionResult["status"], "infrastructure"> }> {
  const result = await interpreter.run(code, options);
  const { status } = result;
  if (status === "infrastructure")
    throw new InfrastructureError(`The interpreter failed while it tested a program: ${result.stderr}.`);
  return { ...result, status };
}
