import { z } from "zod";
import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { siblingModule } from "../base/modules.ts";
import { parseInput } from "../base/schema.ts";
import { type CodeInterpreter, PythonInterpreter } from "../interpreter/index.ts";
import { GraderFailure, GraderLane } from "./grader-lane.ts";
import { type Judgement, settle } from "./math/equivalence.ts";
import { equivalenceOptions, type Verdict } from "./math/options.ts";
import { quickVerdict } from "./math/quick.ts";

const graderOptions = equivalenceOptions.extend({
  /**
   * Where sympy confirms what exact forms cannot: an interpreter of the grader's own, never one that runs a policy's code.
   * `"auto"` starts one with sympy when it is first needed, if this machine has it; `"none"` does without.
   */
  interpreter: z
    .union([
      z.enum(["auto", "none"]),
      z.custom<CodeInterpreter>((value) => typeof (value as CodeInterpreter)?.run === "function"),
    ])
    .default("auto"),
  /** Limit of a pair in the grading process. Milliseconds of wall time. */
  timeLimitMs: z.number().min(1).max(600_000).default(1000),
  /** Limit of sympy for a pair; what it does not prove by then stays undecided. Milliseconds. */
  sympyLimitMs: z.number().min(100).max(600_000).default(5000),
  /** Pairs that are compared at the same time. */
  lanes: z.number().int().min(1).max(64).default(1),
});

export type GraderOptions = z.input<typeof graderOptions>;
type CheckedOptions = z.output<typeof graderOptions>;

const module = siblingModule(import.meta.url, "./grader-process");
const longest = 4_000_000;

/**
 * Decides whether two answers are mathematically equal, in processes of its own with a hard limit for each pair.
 *
 * @example
 * const grader = await Grader.start();
 * await grader.grade("\\frac{\\sqrt{2}}{2}", "1/\\sqrt{2}"); // { equal: true, how: "exact", notes: [], ... }
 * await grader.close();
 */
export class Grader {
  readonly #options: CheckedOptions;
  readonly #lanes: GraderLane[];
  readonly #waiting: ((lane: GraderLane) => void)[] = [];
  readonly #idle: GraderLane[];
  #interpreter: Promise<CodeInterpreter | undefined> | undefined;
  #owned: CodeInterpreter | undefined;
  #next = 0;
  #closed = false;
  /** Processes that were killed at the limit or died, and were replaced. */
  restarts = 0;

  private constructor(options: CheckedOptions, lanes: GraderLane[]) {
    this.#options = options;
    this.#lanes = lanes;
    this.#idle = [...lanes];
    if (typeof options.interpreter === "object") this.#interpreter = Promise.resolve(options.interpreter);
    else if (options.interpreter === "none") this.#interpreter = Promise.resolve(undefined);
  }

  /**
   * @throws InvalidInputError for an unknown or impossible option.
   * @throws GraderFailure where the process does not start.
   */
  static async start(options: GraderOptions = {}): Promise<Grader> {
    const checked = parseInput(graderOptions, options, "grader options");
    const lanes = Array.from({ length: checked.lanes }, () => makeLane(checked));
    try {
      await Promise.all(lanes.map((lane) => lane.ready));
    } catch (error) {
      for (const lane of lanes) lane.kill();
      throw error;
    }
    return new Grader(checked, lanes);
  }

  /** Process ids of the grading processes. */
  get pids(): number[] {
    return this.#lanes.flatMap(({ pid, dead }) => (pid === undefined || dead ? [] : [pid]));
  }

  /**
   * Compares a policy's answer with the reference answer. Any number of pairs may be under way.
   *
   * @throws GraderFailure where the grader failed, also at the time limit (after a second try in a fresh process): nothing
   * is known of the answer then.
   */
  async grade(gold: string, answer: string): Promise<Verdict> {
    if (this.#closed) throw new InvalidInputError("The grader is closed.", "Start another one.");
    if (gold.length > longest || answer.length > longest)
      throw new InvalidInputError(`An answer of more than ${longest} characters cannot be graded.`);
    const quick = quickVerdict(gold, answer);
    if (quick) return quick;
    let judgement: Judgement;
    try {
      judgement = await this.#judge(gold, answer);
    } catch (error) {
      if (!(error instanceof GraderFailure) || this.#closed) throw error;
      judgement = await this.#judge(gold, answer);
    }
    return judgement.confirm === undefined ? judgement.verdict : this.#confirm(judgement.verdict, judgement.confirm);
  }

  async #judge(gold: string, answer: string): Promise<Judgement> {
    const lane = this.#idle.pop() ?? (await new Promise<GraderLane>((resolve) => this.#waiting.push(resolve)));
    try {
      await lane.ready;
      return await lane.judge(this.#next++, gold, answer, this.#options.timeLimitMs);
    } finally {
      this.#release(lane);
    }
  }

  #release(lane: GraderLane): void {
    let free = lane;
    if (lane.dead && !this.#closed) {
      this.restarts++;
      free = makeLane(this.#options);
      this.#lanes[this.#lanes.indexOf(lane)] = free;
    }
    const next = this.#waiting.shift();
    if (next) next(free);
    else this.#idle.push(free);
  }

  async #confirm(verdict: Verdict, program: string): Promise<Verdict> {
    this.#interpreter ??= this.#startInterpreter();
    const interpreter = await this.#interpreter;
    if (!interpreter) return verdict;
    const { status, stdout, stderr } = await interpreter.run(program, { timeoutMs: this.#options.sympyLimitMs });
    if (status === "infrastructure") throw new GraderFailure(`The interpreter that runs sympy failed: ${stderr}`);
    if (status !== "ok") return { ...verdict, notes: [...verdict.notes, `sympy gave no answer (${status})`] };
    const answers = z.array(z.enum(["equal", "different", "unknown"])).safeParse(parsed(stdout));
    if (!answers.success) throw new GraderFailure("sympy answered something else than was asked.");
    return settle(verdict, answers.data);
  }

  async #startInterpreter(): Promise<CodeInterpreter | undefined> {
    let started: PythonInterpreter;
    try {
      started = await PythonInterpreter.start({ profile: "scientific", lanes: 1, memoryMb: 512, isolation: "snippet" });
    } catch (error) {
      if (error instanceof InfrastructureError) return undefined; // No sandbox here: what sympy would prove stays undecided.
      throw error;
    }
    if (started.packages.some((name) => name.startsWith("sympy ")) && !this.#closed) {
      this.#owned = started;
      return started;
    }
    await started.close();
    return undefined;
  }

  /** Ends the processes; pairs under way reject. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.#lanes) lane.kill();
    await this.#owned?.close();
  }
}

const makeLane = (options: CheckedOptions): GraderLane =>
  new GraderLane(module, equivalenceOptions.strip().parse(options));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
