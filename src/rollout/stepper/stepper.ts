import { clearTimeout, setTimeout } from "node:timers";
import { InterruptedError, InvalidInputError } from "../../base/errors.ts";
import { queue } from "../../base/in-turn.ts";
import { parseInput } from "../../base/schema.ts";
import { type Display, displaySymbol, type HostWidget, host, type MimeBundle, show } from "../../display/index.ts";
import type { AgentReply } from "../agents/agent.ts";
import { withPersonForm } from "../agents/person.ts";
import type { Rollout } from "../rollout.ts";
import { rolloutBundle } from "../rollout-display.ts";
import { type Action, actionSchema, interjectionSchema } from "./actions.ts";
import { type Branch, branchData, candidateData } from "./branch.ts";
import { withCode } from "./edit-code.ts";

/** Branches side by side; each holds a decoder of its own. */
const maxBranches = 12;
/** Actions that may wait for the one under way. */
const maxWaiting = 20;
/** The page hears of tokens at most this often. */
const updateMs = 100;
/** So long after the last action the picture for the saved notebook is made. */
const pictureMs = 600;

/**
 * Steps through a rollout from the page: the next token, the next turn, to the end; forks at any token, forces tokens,
 * exchanges code or a tool's output, and puts two branches side by side. The first branch is the rollout itself: what the
 * page does is done to it. Every change makes a branch, so that nothing is lost.
 */
export class Stepper {
  readonly #branches: Branch[];
  readonly #widget: HostWidget | undefined;
  readonly #display: Display;
  readonly #inTurn = queue();
  #nextId = 1;
  #waiting = 0;
  #isStopped = false;
  #message = "";
  #isBusy = false;
  #candidates: { branch: number; at: number; tokens: ReturnType<typeof candidateData> } | undefined;
  #person: { situation: string; answer(reply: AgentReply): void; withdraw(error: Error): void } | undefined;
  #updateTimer: NodeJS.Timeout | undefined;
  #pictureTimer: NodeJS.Timeout | undefined;

  constructor(rollout: Rollout) {
    this.#branches = [{ id: 0, name: "main", rollout }];
    this.#widget = host()?.widget?.({
      esm: new URL("./front.js", import.meta.url),
      css: new URL("./front.css", import.meta.url),
      state: { view: this.#view() },
    });
    this.#widget?.onMessage((content) => this.#hear(content));
    this.#display = show(this.#bundle());
  }

  /** The rollouts of all branches, the given one first. */
  get branches(): readonly Rollout[] {
    return this.#branches.map(({ rollout }) => rollout);
  }

  /** Resolves when everything that the page has asked for is done. */
  async settled(): Promise<void> {
    await this.#inTurn(async () => undefined);
  }

  /** Takes the controls out of the page; the tokens stay. Frees the branches, not the rollout that was given. */
  async close(): Promise<void> {
    this.#stop();
    await this.settled();
    this.#widget?.close();
    clearTimeout(this.#updateTimer);
    clearTimeout(this.#pictureTimer);
    this.#display.update(this.#bundle());
    for (const { rollout } of this.#branches.slice(1)) await rollout.close();
  }

  /** As the last value of a cell it shows nothing more: it stands there already. */
  [displaySymbol](): MimeBundle {
    return {};
  }

  /** A message of the page. One action at a time; what else is asked for waits its turn. */
  #hear(content: unknown): void {
    const { data: word } = interjectionSchema.safeParse(content);
    if (word) {
      if (word.action === "stop") this.#stop();
      else this.#person?.answer({ text: word.text, next: word.next });
      return;
    }
    if (this.#waiting >= maxWaiting) return;
    this.#waiting++;
    void this.#inTurn(async () => {
      this.#waiting--;
      if (!this.#isStopped) await this.#act(content);
      if (!this.#waiting) this.#isStopped = false;
    });
  }

  #stop(): void {
    this.#isStopped = this.#isBusy || this.#waiting > 0;
    this.#person?.withdraw(new InterruptedError("Stopped."));
  }

  async #act(content: unknown): Promise<void> {
    this.#isBusy = true;
    this.#message = "";
    this.#update();
    try {
      const action = parseInput(actionSchema, content, "action");
      await withPersonForm(
        (turn, situation) => this.#ask(situation, turn.signal),
        () => this.#carryOut(action),
      );
      if (this.#isStopped) this.#message = "Stopped.";
    } catch (error) {
      // The kernel was interrupted: what waits is not wanted any more either.
      if (error instanceof InterruptedError) this.#isStopped = true;
      this.#message = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isBusy = false;
      this.#update();
      this.#picture();
    }
  }

  async #carryOut(action: Action): Promise<void> {
    const branch = this.#branches.find(({ id }) => id === action.branch);
    if (!branch) throw new InvalidInputError("This branch is gone.");
    const { rollout } = branch;
    switch (action.action) {
      case "token":
        await rollout.token();
        break;
      case "turn":
        await this.#write(rollout, () => rollout.pendingCode !== null);
        if (!this.#isStopped) await rollout.turn();
        break;
      case "finish":
        await this.#write(rollout, () => false);
        break;
      case "fork": {
        const { sampleIndex = 0 } = rollout.options;
        // A number that no branch has drawn with.
        const fresh = Math.max(sampleIndex, ...this.branches.map(({ options }) => options.sampleIndex ?? 0)) + 1;
        const draw = action.redraw ? { sampleIndex: fresh } : {};
        this.#add(branch, action.token, rollout.fork({ token: action.token, ...draw }));
        break;
      }
      case "force":
        this.#add(branch, action.token, rollout.fork({ token: action.token, append: action.what }));
        break;
      case "code":
        this.#add(branch, undefined, withCode(rollout, action.turn, action.text));
        break;
      case "output":
        this.#add(branch, undefined, rollout.fork({ turn: action.turn, toolOutput: action.text }));
        break;
      case "candidates": {
        const tokens = candidateData(await rollout.candidates());
        this.#candidates = { branch: branch.id, at: rollout.trajectory.length, tokens };
        break;
      }
      case "drop":
        if (branch.id === 0) throw new InvalidInputError("The first branch is the rollout itself and stays.");
        this.#branches.splice(this.#branches.indexOf(branch), 1);
        await rollout.close();
        break;
    }
  }

  /** Token by token, so that it can be watched and stopped. */
  async #write(rollout: Rollout, isEnough: () => boolean): Promise<void> {
    while (!this.#isStopped && !rollout.trajectory.done && !isEnough()) {
      await rollout.token();
      this.#updateTimer ??= setTimeout(() => this.#update(), updateMs);
    }
  }

  /** @param token where it leaves its parent; default: where their tokens first differ. */
  #add(parent: Branch, token: number | undefined, rollout: Rollout): void {
    if (this.#branches.length >= maxBranches)
      throw new InvalidInputError(`There are ${maxBranches} branches already: close one first.`);
    const at = token ?? commonLength(parent.rollout.trajectory.ids, rollout.trajectory.ids);
    const id = this.#nextId++;
    this.#branches.push({ id, name: `fork ${id}`, rollout, from: { branch: parent.id, token: at } });
  }

  /** Puts the person's turn to the page. */
  #ask(situation: string, signal: AbortSignal | undefined): Promise<AgentReply> {
    return new Promise<AgentReply>((answer, withdraw) => {
      this.#person = { situation, answer, withdraw };
      signal?.addEventListener("abort", () => withdraw(new InterruptedError()), { once: true });
      this.#update();
    }).finally(() => {
      this.#person = undefined;
      this.#update();
    });
  }

  #view(): Record<string, unknown> {
    return {
      branches: this.#branches.map(branchData),
      isBusy: this.#isBusy,
      message: this.#message,
      person: this.#person?.situation ?? null,
      candidates: this.#candidates ?? null,
    };
  }

  #update(): void {
    clearTimeout(this.#updateTimer);
    this.#updateTimer = undefined;
    if (this.#widget && !this.#widget.isClosed) this.#widget.set({ view: this.#view() });
  }

  /** Brings what the saved notebook will show up to date, once nothing happens for a moment. */
  #picture(): void {
    clearTimeout(this.#pictureTimer);
    this.#pictureTimer = setTimeout(() => {
      if (!this.#isBusy) this.#display.update(this.#bundle());
    }, pictureMs);
  }

  /** The controls, and for wherever there are none the tokens of all branches. */
  #bundle(): MimeBundle {
    const pictures = this.#branches.map(({ name, rollout: { task, trajectory, result } }) =>
      rolloutBundle({ ...(this.#branches.length > 1 && { name }), task, trajectory, result }),
    );
    const joined = (type: string, between: string) => pictures.map((picture) => String(picture[type])).join(between);
    return {
      "text/plain": joined("text/plain", "\n\n"),
      "text/html": joined("text/html", "<br>"),
      ...(this.#widget?.isClosed === false && withoutText(this.#widget[displaySymbol]())),
    };
  }
}

/** A widget's bundle without its words, which stand for it where better ones are at hand. */
function withoutText(bundle: MimeBundle): MimeBundle {
  const { "text/plain": _, ...rest } = bundle;
  return rest;
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((id, i) => id !== b[i]);
  return differing < 0 ? Math.min(a.length, b.length) : differing;
}

/**
 * Steps through a rollout with buttons under the cell; what stays in the saved notebook are its tokens. Without a notebook
 * that has widgets it shows the tokens alone.
 *
 * @example
 * const steps = stepper(lab.rollout({ policy, interpreter: python, task: taskset.at(0), maxToolCalls: 2 }));
 * steps.branches[1]; // the first fork that was made in the page, a rollout as any other
 */
export function stepper(rollout: Rollout): Stepper {
  return new Stepper(rollout);
}
