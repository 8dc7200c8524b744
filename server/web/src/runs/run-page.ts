import { Dialog, showDialog } from "@jupyterlab/apputils";
import type { OtherEvent } from "../../../../src/live/browse/run-log.ts";
import { HeldNotice } from "../live/held-notice.ts";
import { runChannel } from "../live/run-channel.ts";
import type { RunSeries } from "../live/run-series.ts";
import { choice, make, short } from "../rollouts/dom.ts";
import { type CheckpointRow, type RunDetails, type RunRow, runs } from "./api.ts";
import { configRows, settingsTable } from "./config-table.ts";
import { formatBytes, formatTime, stateBadge } from "./list-page.ts";
import { MetricChart, metricNames } from "./metric-chart.ts";

export interface RunPageOptions {
  readonly path: string;
  openStep(step: number, rollout?: { group: number; sample: number }): void;
  /** The run is no longer there. */
  leave(): void;
}

/** The metric that the reader looked at last; the next run begins with it. */
let chosenMetric: string | undefined;

/** One run: its course, what happened in it, its checkpoints and settings. */
export class RunPage {
  readonly node = make("div", { className: "cirlab-run-page" });
  readonly #options: RunPageOptions;
  readonly #head = make("div", { className: "cirlab-run-head" });
  readonly #held = new HeldNotice(() => (step) => this.#options.openStep(step));
  readonly #tools = make("div", { className: "cirlab-tools" });
  readonly #chart: MetricChart;
  readonly #alerts = make("section");
  readonly #timeline = make("section");
  readonly #checkpoints = make("section");
  readonly #settings = make("details", { className: "cirlab-settings" });
  #details: RunDetails | undefined;
  #known = "";
  readonly #changed: () => void;
  #followed: RunSeries | undefined;

  /** @param changed called when the live channel tells something of this run. */
  constructor(options: RunPageOptions, changed: () => void) {
    this.#options = options;
    this.#changed = changed;
    this.#chart = new MetricChart((step) => options.openStep(this.#nearest(step)));
    const { node } = this.#chart;
    const course = [this.#alerts, this.#timeline, this.#checkpoints, this.#settings];
    this.node.append(this.#head, this.#held.node, this.#tools, node, ...course);
  }

  /** Reads the run anew. @returns whether it trains. */
  async refresh(): Promise<boolean> {
    const details = await runs.details(this.#options.path);
    const text = JSON.stringify(details);
    const isTrained = details.row.isTrained;
    if (text === this.#known) return isTrained;
    this.#known = text;
    this.#details = details;
    this.#follow(details.row);
    this.#draw(details);
    return isTrained;
  }

  focus(): void {
    this.#chart.node.focus({ preventScroll: true });
  }

  dispose(): void {
    this.#unfollow();
    this.#chart.dispose();
  }

  /** The live channel tells of a run that trains; one that has ended tells nothing more. */
  #follow({ id, isTrained }: RunRow): void {
    if (!isTrained) return this.#unfollow();
    if (this.#followed) return;
    this.#followed = runChannel.follow(id);
    this.#followed.changed.connect(this.#changed);
    this.#followed.changed.connect(this.#showHeld, this);
    this.#showHeld();
  }

  #unfollow(): void {
    if (!this.#followed) return;
    this.#followed.changed.disconnect(this.#changed);
    this.#followed.changed.disconnect(this.#showHeld, this);
    runChannel.leave(this.#followed.id);
    this.#followed = undefined;
    this.#showHeld();
  }

  #showHeld(): void {
    this.#held.show(this.#followed?.status?.held);
  }

  #draw(details: RunDetails): void {
    const { row, config, metrics, events, checkpoints, rolloutSteps } = details;
    const { name, createdAt, step, bytes, problem, parent } = row;
    const facts = [
      `step ${step}`,
      `begun ${formatTime(createdAt)}`,
      ...(config?.seed === undefined ? [] : [`seed ${config.seed}`]),
      formatBytes(bytes),
      ...(parent ? [`branched off ${parent.id} at step ${parent.step}`] : []),
    ];
    const { remove } = runs;
    const removal = remove
      ? make("button", { text: "Remove…", attributes: { type: "button" }, onClick: () => void this.#remove(remove) })
      : "";
    this.#head.replaceChildren(
      make("h2", { text: name }),
      stateBadge(row),
      make("span", { className: "cirlab-run-facts", text: facts.join(" · ") }),
      removal,
      problem ? make("p", { className: "cirlab-trouble", text: problem }) : "",
    );
    const names = metricNames([details]);
    if (chosenMetric === undefined || !names.includes(chosenMetric)) chosenMetric = names[0];
    this.#drawTools(names, rolloutSteps, step);
    this.#chart.node.hidden = names.length === 0;
    if (chosenMetric !== undefined) this.#chart.draw([{ label: chosenMetric, metrics }], chosenMetric);
    this.#drawAlerts(events);
    this.#drawTimeline(events);
    this.#drawCheckpoints(checkpoints);
    if (config) this.#settings.replaceChildren(make("summary", { text: "Settings" }), settingsTable(configRows(config)));
    else this.#settings.replaceChildren();
  }

  #drawTools(names: readonly string[], steps: readonly number[], taken: number): void {
    const metric = choice("Metric", names.map((name) => [name, name] as const), chosenMetric ?? "", (value) => {
      chosenMetric = value;
      this.#chart.draw([{ label: value, metrics: this.#details!.metrics }], value);
    });
    // Those after it are of a step that is held, or of before the run went back.
    const newest = steps.findLast((step) => step <= taken) ?? steps.at(-1);
    const [min, max, value] = [steps[0] ?? 0, steps.at(-1) ?? 0, newest ?? ""].map(String);
    const field = make("input", { attributes: { type: "number", min: min!, max: max!, value: value!, "aria-label": "Step" } });
    const open = make("form", { className: "cirlab-choice" }, "Step ", field, make("button", { text: "Rollouts" }));
    open.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#options.openStep(this.#nearest(Number(field.value)));
    });
    const note = steps.length
      ? `Rollouts of ${steps.length} steps are recorded; a click in the chart opens them.`
      : "No rollouts were recorded.";
    this.#tools.replaceChildren(
      names.length ? metric : "No steps were taken yet.",
      steps.length ? open : "",
      make("span", { className: "cirlab-note", text: note }),
    );
  }

  /** The recorded step that is nearest to one. */
  #nearest(step: number): number {
    const steps = this.#details?.rolloutSteps ?? [];
    return steps.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best), steps[0] ?? step);
  }

  #drawAlerts(events: readonly OtherEvent[]): void {
    const alerts = events.filter((event) => event.type === "alert");
    this.#alerts.hidden = alerts.length === 0;
    const lines = alerts.slice(-100).map(({ step, text, action, hint, rollouts = [] }) =>
      make(
        "li",
        { title: hint ?? "" },
        make("button", { text: `step ${step}`, attributes: { type: "button" }, onClick: () => this.#options.openStep(step) }),
        ` ${text}${action && action !== "alert" ? ` (${action})` : ""} `,
        ...rollouts.map((rollout) =>
          make("button", {
            text: `${rollout.group}/${rollout.sample}`,
            title: "Open this rollout",
            attributes: { type: "button" },
            onClick: () => this.#options.openStep(step, rollout),
          }),
        ),
      ),
    );
    this.#alerts.replaceChildren(make("h3", { text: `Alerts (${alerts.length})` }), make("ul", { className: "cirlab-events" }, ...lines.reverse()));
  }

  #drawTimeline(events: readonly OtherEvent[]): void {
    const lines = events
      .filter(({ type }) => type !== "alert" && type !== "checkpoint")
      .slice(-200)
      .map((event) =>
        make(
          "li",
          {},
          make("time", { text: new Date(event.time).toLocaleTimeString(), attributes: { datetime: new Date(event.time).toISOString() } }),
          make("span", { className: "cirlab-event-step", text: "step" in event ? `step ${event.step}` : "" }),
          make("span", { text: tellEvent(event) }),
        ),
      );
    this.#timeline.replaceChildren(make("h3", { text: "What happened" }), make("ul", { className: "cirlab-events" }, ...lines.reverse()));
  }

  #drawCheckpoints(checkpoints: readonly CheckpointRow[]): void {
    this.#checkpoints.hidden = checkpoints.length === 0;
    const tell = ({ step, bytes, label, isValid }: CheckpointRow) =>
      [`step ${step}`, ...(label ? [`“${label}”`] : []), ...(bytes === null ? [] : [formatBytes(bytes)]), ...(isValid ? [] : ["left behind"])].join(" · ");
    this.#checkpoints.replaceChildren(
      make("h3", { text: `Checkpoints (${checkpoints.length})` }),
      make("ul", { className: "cirlab-events" }, ...checkpoints.map((checkpoint) => make("li", { text: tell(checkpoint) }))),
    );
  }

  async #remove(remove: (path: string) => Promise<void>): Promise<void> {
    const { path } = this.#options;
    const { button } = await showDialog({
      title: "Remove the run?",
      body: `${path} with its recordings and checkpoints is removed from the disk. This cannot be undone.`,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: "Remove" })],
    });
    if (!button.accept) return;
    try {
      await remove(path);
      this.#options.leave();
    } catch (error) {
      await showDialog({ title: "The run was not removed", body: (error as Error).message, buttons: [Dialog.okButton()] });
    }
  }
}

/** An event in words. */
function tellEvent(event: OtherEvent): string {
  const values = (record: Readonly<Record<string, unknown>>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${typeof value === "number" ? short(value) : JSON.stringify(value)}`)
      .join(", ");
  switch (event.type) {
    case "run-started":
      return "training began";
    case "run-finished":
      return `training ended: ${event.reason}${event.error ? ` (${event.error})` : ""}`;
    case "config":
      return `settings changed: ${values(event.changes)}`;
    case "course":
    case "log":
      return event.text;
    case "command": {
      const { type, ...rest } = event.command as { type: string } & Record<string, unknown>;
      return `command ${type}${Object.keys(rest).length ? ` ${values(rest)}` : ""}${event.by ? `, from ${event.by}` : ""}`;
    }
    case "command-refused":
      return `a command was refused: ${event.text}`;
    case "evaluation":
      return `evaluation ${event.label}: ${values(event.metrics)}`;
    case "part":
      return `${event.kind} ${event.name} was changed`;
    case "held":
      return "its rollouts are collected; the update waits";
    case "intervention":
      return `rollout ${event.group}/${event.sample} was changed: ${tellEdit(event.edit)}${event.by ? `, by ${event.by}` : ""}`;
    case "rewound":
      return "the run went back to here";
    default:
      return event.type;
  }
}

/** A person's change of a rollout in words. */
function tellEdit(edit: Extract<OtherEvent, { type: "intervention" }>["edit"]): string {
  const where = edit.kind === "write" ? `written from token ${edit.token} on` : `${edit.kind} of call ${edit.turn}`;
  return `${where}, ${JSON.stringify(edit.text.slice(0, 80))}`;
}
