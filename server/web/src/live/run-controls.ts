import type { CommandInput } from "../../../../src/recording/messages.ts";
import { button, h, sentence } from "./dom.ts";
import { HeldNotice } from "./held-notice.ts";
import { runOpener } from "./links.ts";
import { runChannel } from "./run-channel.ts";
import { stateName } from "./run-head.ts";
import { type RunSeries, settingsText } from "./run-series.ts";
import { SentCommands } from "./sent-commands.ts";
import { SettingsForm } from "./settings-form.ts";

/** Steers a run that trains: each command is answered by the training itself, between two steps. */
export class RunControls {
  readonly node: HTMLElement;
  readonly #run: RunSeries;
  readonly #pause = button("Pause", () => this.#send({ type: this.#isPaused ? "resume" : "pause" }));
  readonly #step = button("Step", () => this.#send({ type: "step" }), "Take one step, then pause");
  readonly #stop = button("Stop", () => this.#send({ type: "stop" }), "End the training after the step in flight");
  readonly #hold = button(
    "Hold",
    () => this.#send({ type: "hold" }),
    "Collect the rollouts of the next step and wait before the update, so that they can be changed",
  );
  readonly #held = new HeldNotice(() => {
    const open = runOpener();
    return open && ((step) => open(this.#run.id, step));
  });
  readonly #mark = button("Mark…", () => this.#toggle("mark"), "Keep a checkpoint of the last whole step");
  readonly #rewind = button("Rewind…", () => this.#toggle("rewind"), "Go back to a checkpoint");
  readonly #settings = button("Settings…", () => this.#toggle("settings"), "Change settings from the next step on");
  readonly #said = h("div", { className: "cirlab-run-said" });
  readonly #place = h("div");
  #opened: { name: string; dispose(): void } | undefined;
  readonly #commands: SentCommands;

  constructor(run: RunSeries) {
    this.#run = run;
    this.#commands = new SentCommands(run, (text, outcome) => this.#say(text, outcome));
    this.#said.setAttribute("role", "status");
    const buttons = [this.#pause, this.#step, this.#hold, this.#stop, this.#mark, this.#rewind, this.#settings];
    this.node = h(
      "div",
      { className: "cirlab-run-controls" },
      h("div", { className: "cirlab-buttons" }, ...buttons),
      this.#held.node,
      this.#said,
      this.#place,
    );
    run.changed.connect(this.#update, this);
    runChannel.connection.connect(this.#update, this);
    this.#update();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#update, this);
    this.#commands.dispose();
    runChannel.connection.disconnect(this.#update, this);
    this.#opened?.dispose();
  }

  get #isPaused(): boolean {
    return this.#run.status?.state === "paused";
  }

  /** Why no command can be given; undefined where one can. */
  get #reason(): string | undefined {
    const { status } = this.#run;
    if (runChannel.trouble !== undefined) return sentence(runChannel.trouble);
    if (!status) return "The run is not known yet.";
    if (!status.listens) return `Nobody trains this run any more (${stateName(status.state)}).`;
    return undefined;
  }

  #update(): void {
    const reason = this.#reason;
    this.#pause.textContent = this.#isPaused ? "Resume" : "Pause";
    for (const one of this.node.querySelectorAll<HTMLButtonElement>("button")) {
      // The settings form decides about its own.
      if (this.#place.contains(one) && one.type === "submit") continue;
      one.disabled = reason !== undefined;
      one.dataset.title ??= one.title;
      one.title = reason ?? one.dataset.title;
    }
    this.#held.show(this.#run.status?.held);
    if (reason && this.#opened) this.#close();
    if (reason && !this.#commands.isWaiting) this.#say(reason);
    else if (this.#said.dataset.kind === "reason") this.#say("");
    if (reason) this.#said.dataset.kind = "reason";
  }

  #say(text: string, kind = ""): void {
    this.#said.textContent = text;
    this.#said.dataset.kind = kind;
  }

  #close(): void {
    this.#opened?.dispose();
    this.#opened = undefined;
    this.#place.replaceChildren();
  }

  #toggle(name: "mark" | "rewind" | "settings"): void {
    const wasOpen = this.#opened?.name === name;
    this.#close();
    if (wasOpen) return;
    if (name === "settings") {
      const form = new SettingsForm(this.#run, (values) => this.#send({ type: "set", values: values as never }));
      this.#opened = { name, dispose: () => form.dispose() };
      this.#place.append(form.node);
      form.node.querySelector("input")?.focus();
      return;
    }
    const [field, label] = name === "mark" ? [markField(), "Mark"] : [this.#rewindField(), "Rewind"];
    const form = h(
      "form",
      { className: "cirlab-inline-form" },
      field,
      h("button", { type: "submit", className: "cirlab-button", textContent: label }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { value } = field;
      if (value === "") return;
      this.#close();
      this.#send(name === "mark" ? { type: "checkpoint", label: value } : { type: "rewind", step: Number(value) });
    });
    this.#opened = { name, dispose: () => form.remove() };
    this.#place.append(form);
    field.focus();
  }

  #rewindField(): HTMLSelectElement {
    const { status, facts } = this.#run;
    const earlier = (facts?.checkpoints ?? []).filter(({ step }) => step < (status?.step ?? 0));
    const options = earlier
      .sort((a, b) => b.step - a.step)
      .map(({ step, label }) =>
        h("option", { value: String(step), textContent: `step ${step}${label ? ` · ${label}` : ""}` }),
      );
    const select = h(
      "select",
      {},
      ...(options.length ? options : [h("option", { value: "", textContent: "no earlier checkpoint" })]),
    );
    select.setAttribute("aria-label", "Checkpoint");
    return select;
  }

  #send(command: CommandInput): void {
    this.#commands.send(command, nameOf(command));
  }
}

function markField(): HTMLInputElement {
  const field = h("input", { type: "text", placeholder: "Name of the mark", maxLength: 80, required: true });
  field.setAttribute("aria-label", "Name of the mark");
  return field;
}

/** A command in the words of its button. */
function nameOf(command: CommandInput): string {
  switch (command.type) {
    case "set":
      return settingsText(command.values);
    case "checkpoint":
      return `Mark "${command.label ?? ""}"`;
    case "rewind":
      return `Rewind to step ${command.step}`;
    default:
      return command.type[0]!.toUpperCase() + command.type.slice(1);
  }
}
