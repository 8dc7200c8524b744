import type { RunStatus } from "../../../../src/live/messages.ts";
import { h } from "./dom.ts";
import { formatSeconds } from "./metrics.ts";
import { runChannel } from "./run-channel.ts";
import type { RunSeries } from "./run-series.ts";

/** What a run's states are called. */
const stateNames: Readonly<Record<RunStatus["state"], string>> = {
  new: "not started",
  running: "training",
  paused: "paused",
  completed: "completed",
  stopped: "stopped",
  interrupted: "interrupted",
  failed: "failed",
  died: "lost",
};

export const stateName = (state: RunStatus["state"]): string => stateNames[state] ?? state;

/** How a run stands: its state, how far it is, how long it will take. */
export class RunHead {
  readonly node: HTMLElement;
  readonly #run: RunSeries;
  readonly #text = h("span", { className: "cirlab-run-text" });
  readonly #bar = h("progress", { className: "cirlab-run-progress", max: 1 });
  #frame: number | undefined;

  constructor(run: RunSeries) {
    this.#run = run;
    const line = h("div", { className: "cirlab-run-status" }, this.#text);
    line.setAttribute("role", "status");
    this.#bar.setAttribute("aria-label", "Steps taken");
    this.node = h("div", {}, line, this.#bar);
    run.changed.connect(this.#schedule, this);
    runChannel.connection.connect(this.#schedule, this);
    this.#show();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#schedule, this);
    runChannel.connection.disconnect(this.#schedule, this);
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#show();
    });
  }

  #show(): void {
    const { status } = this.#run;
    this.node.dataset.state = status?.state ?? "new";
    const text = status ? describe(status) : "waiting for the recording";
    const { trouble } = runChannel;
    this.#text.textContent = trouble === undefined ? text : `${text} · ${trouble}`;
    const { step = 0, target } = status ?? {};
    this.#bar.hidden = !target;
    if (target) this.#bar.value = Math.min(1, step / target);
  }
}

function describe({ state, step, held, target, error, listens, secondsPerStep }: RunStatus): string {
  const left = target === undefined ? 0 : target - step;
  const isGoing = listens && state === "running";
  return [
    isGoing ? undefined : stateName(state),
    target !== undefined && target >= step ? `step ${step} of ${target}` : `step ${step}`,
    isGoing && secondsPerStep !== undefined ? `${formatSeconds(secondsPerStep)} a step` : undefined,
    isGoing && secondsPerStep !== undefined && left > 0
      ? `about ${formatSeconds(left * secondsPerStep)} left`
      : undefined,
    held === undefined ? undefined : `step ${held} is held`,
    error,
    state === "died" ? "its process has ended without a word" : undefined,
  ]
    .filter(Boolean)
    .join(" · ");
}
