import type { RolloutRow } from "../../../../src/display/rollout-rows.ts";
import type { RolloutView } from "../../../../src/display/rollout-view.ts";
import { runChannel } from "../live/run-channel.ts";
import type { Answer, RunSeries } from "../live/run-series.ts";
import { SentCommands } from "../live/sent-commands.ts";
import { make } from "../rollouts/dom.ts";

/** A change that the reader may choose: writing, or the code or the output of a call. */
interface Choice {
  readonly kind: "write" | "code" | "output";
  readonly turn: number;
}

/** How the training stands to the step: still before its update, waiting with its rollouts, or past it. */
type Stage = "before" | "held" | "past";

/**
 * Changes rollouts of a step that the training holds before its update; hidden where it holds none, or another. The policy
 * goes on after what was written here, and the update follows when the reader lets it.
 */
export class InterveneForm {
  readonly node = make("form", { className: "cirlab-intervene", attributes: { "aria-label": "Change this rollout" } });
  readonly #step: number;
  readonly #run: RunSeries;
  readonly #commands: SentCommands;
  readonly #about = make("p");
  readonly #what = make("select", { attributes: { "aria-label": "What is changed" } });
  readonly #text = make("textarea", { attributes: { "aria-label": "New text", rows: "4", spellcheck: "false" } });
  readonly #ends = make("input", { attributes: { type: "checkbox" } });
  readonly #endsLabel = make("label", {}, this.#ends, " The rollout ends there");
  readonly #change = make("button", { text: "Change it", attributes: { type: "submit" } });
  readonly #fields = make("div", { className: "cirlab-intervene-fields" });
  readonly #said = make("p", { className: "cirlab-run-said", attributes: { role: "status" } });
  readonly #changed: () => void;
  #stage: Stage | undefined;
  /** The reader has written something that is not sent yet. */
  #isDraft = false;
  #shown: { row: RolloutRow; view: RolloutView } | undefined;
  #token = 0;

  /** @param changed the step's rollouts are not any more what they were, whoever changed them. */
  constructor(runId: string, step: number, changed: () => void) {
    this.#step = step;
    this.#changed = changed;
    this.#run = runChannel.follow(runId);
    this.#commands = new SentCommands(this.#run, (text, outcome) => {
      this.#said.textContent = text;
      this.#said.dataset.kind = outcome;
      this.#change.disabled = outcome === "";
      if (outcome === "done" && this.#shown) this.#fill();
    });
    const goOn = make("button", {
      text: "Resume",
      title: "Train on the step as it is now, and go on",
      attributes: { type: "button" },
      onClick: () => this.#commands.send({ type: "resume" }, "Resume"),
    });
    const tools = make("div", { className: "cirlab-tools" }, this.#what, this.#endsLabel, this.#change);
    this.#fields.append(tools, this.#text);
    this.node.append(make("div", { className: "cirlab-tools" }, this.#about, goOn), this.#fields, this.#said);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    // The viewer has keys of its own.
    this.node.addEventListener("keydown", (event) => event.stopPropagation());
    this.#what.addEventListener("change", () => this.#fill());
    this.#text.addEventListener("input", () => {
      this.#isDraft = true;
    });
    this.#run.changed.connect(this.#update, this);
    this.#run.answered.connect(this.#answered, this);
    this.#update();
  }

  /** The reader looks at a rollout, or at none alone. */
  show(shown: { row: RolloutRow; view: RolloutView } | undefined): void {
    const before = this.#shown?.row;
    this.#shown = shown?.row.greedy ? undefined : shown;
    if (this.#shown) {
      const { row, view } = this.#shown;
      const { sources, toolCalls } = view;
      const chosen = this.#what.value;
      const isSame = before?.group === row.group && before.sample === row.sample;
      if (!isSame) this.#token = sources[0]?.[0] === "prompt" ? sources[0][1] : 0;
      this.#what.replaceChildren(
        new Option("", "write 0"),
        ...toolCalls.flatMap((_, i) => [
          new Option(`Code of call ${i + 1}`, `code ${i + 1}`),
          new Option(`Output of call ${i + 1}`, `output ${i + 1}`),
        ]),
      );
      const stays = isSame && [...this.#what.options].some(({ value }) => value === chosen);
      if (stays) this.#what.value = chosen;
      // What the reader is writing stays when somebody else has changed the rollout.
      if (stays && this.#isDraft) this.#name();
      else this.#fill();
    }
    this.#update();
  }

  /** The reader put the cursor on a token: what is written takes the place of it and of those after it. */
  choose(token: number): void {
    this.#token = token;
    this.#name();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#update, this);
    this.#run.answered.disconnect(this.#answered, this);
    this.#commands.dispose();
    runChannel.leave(this.#run.id);
    this.node.remove();
  }

  get #stageNow(): Stage | undefined {
    const { status } = this.#run;
    if (!status) return undefined;
    if (status.held === this.#step) return "held";
    return status.step >= this.#step ? "past" : "before";
  }

  #answered(_: RunSeries, answer: Answer): void {
    if (answer.type !== "command") return;
    const { command } = answer;
    if (command.type === "intervene" && command.step === this.#step) this.#changed();
  }

  #update(): void {
    const before = this.#stage;
    this.#stage = this.#stageNow;
    this.node.hidden = this.#stage !== "held";
    this.#fields.hidden = this.#shown === undefined;
    this.#about.textContent = `Step ${this.#step} is held before its update. ${
      this.#shown ? "The policy goes on after your change." : "Choose a rollout to change it."
    }`;
    // Collected since the page was opened, or trained on since it was held: there is more to be read than before.
    if (before !== undefined && before !== this.#stage && this.#stage !== "before") this.#changed();
  }

  get #choice(): Choice {
    const [kind, turn] = this.#what.value.split(" ");
    return { kind: kind as Choice["kind"], turn: Number(turn) };
  }

  #fill(): void {
    const { kind, turn } = this.#choice;
    const call = this.#shown?.view.toolCalls[turn - 1];
    const texts = { write: "", code: call?.code.replace(/^\n|\n$/g, "") ?? "", output: call?.feedback ?? "" };
    this.#text.value = texts[kind];
    this.#isDraft = false;
    this.#endsLabel.hidden = kind !== "write";
    this.#name();
  }

  #name(): void {
    const [write] = this.#what.options;
    if (write) write.text = `Write from token ${this.#token} on`;
  }

  #send(): void {
    if (!this.#shown) return;
    const { group, sample } = this.#shown.row;
    const { kind, turn } = this.#choice;
    const text = this.#text.value;
    const next = this.#ends.checked ? "end" : "continue";
    const edit = kind === "write" ? { kind, token: this.#token, text, next } as const : { kind, turn, text };
    this.#commands.send({ type: "intervene", step: this.#step, group, sample, edit }, `Rollout ${group}/${sample}`);
  }
}
