import { InvalidInputError } from "../base/errors.ts";
import { type Display, show } from "./display.ts";
import { formatNumber } from "./format.ts";
import { displaySymbol, host, type MimeBundle } from "./host.ts";
import { type PanelState, panelSvg, panelText } from "./live-panel-svg.ts";
import { StatusLine, type TextStream } from "./terminal.ts";
import { type Clock, systemClock, Throttle } from "./throttle.ts";

/** One curve of a panel. */
export interface PanelMetric {
  /** Its name in the values that are added. */
  readonly key: string;
  /** Default: the key. */
  readonly label?: string;
  /** How a value is written. Default: three significant digits. */
  readonly format?: (value: number) => string;
}

export interface LivePanelOptions {
  title: string;
  metrics: readonly PanelMetric[];
  /** A recorded run that the panel belongs to: our own web notebook then shows its richer view. */
  runId?: string;
  /** Default: the system's. */
  clock?: Clock;
  /** Where it is written without a notebook. Default: standard error. */
  stream?: TextStream;
}

/** Mime type of `{ runId, title, status }`: a reference to a recorded run, and the line under its title. */
export const runMimeType = "application/vnd.cirlab.run+json";

const shownAlerts = 3;

/**
 * Small curves of a run's metrics that grow where they stand, at most ten times a second. What remains in the saved
 * notebook is a picture that needs nothing. Without a notebook it is a line in the terminal.
 *
 * @example
 * const panel = new LivePanel({ title: "CIR", metrics: [{ key: "reward" }, { key: "accuracy", format: formatPercent }] });
 * panel.show();
 * panel.add(1, { reward: -0.4, accuracy: 0.3 });
 * panel.done("100 steps");
 */
export class LivePanel {
  readonly title: string;
  readonly runId: string | undefined;
  readonly #metrics: readonly Required<PanelMetric>[];
  readonly #values: Readonly<Record<string, number[]>>;
  readonly #steps: number[] = [];
  readonly #alerts: string[] = [];
  readonly #line: StatusLine | undefined;
  readonly #throttle: Throttle;
  #status = "";
  #display: Display | undefined;
  #isDone = false;

  /** @throws InvalidInputError when a metric comes twice. */
  constructor({ title, metrics, runId, clock = systemClock, stream }: LivePanelOptions) {
    const keys = metrics.map(({ key }) => key);
    const twice = keys.find((key, i) => keys.indexOf(key) !== i);
    if (twice !== undefined) throw new InvalidInputError(`The metric ${JSON.stringify(twice)} comes twice.`);
    this.title = title;
    this.runId = runId;
    this.#metrics = metrics.map(({ key, label = key, format = (value) => formatNumber(value, 3) }) => ({
      key,
      label,
      format,
    }));
    this.#values = Object.fromEntries(keys.map((key) => [key, []]));
    this.#line = host() ? undefined : new StatusLine({ stream, clock });
    this.#throttle = new Throttle(() => this.#update(), { clock });
  }

  /** Puts the panel under the running cell. Until then it only collects. */
  show(): this {
    if (this.#line) this.#line.write(this.#oneLine());
    else this.#display ??= show(this);
    return this;
  }

  /** Adds a step's values; metrics that the panel does not show are ignored, missing ones leave a gap. */
  add(step: number, values: Readonly<Record<string, number | undefined>>): void {
    this.#steps.push(step);
    for (const { key } of this.#metrics) this.#values[key]!.push(values[key] ?? Number.NaN);
    this.#throttle.request();
  }

  /** Takes off the values of all steps after `step`. */
  cutAfter(step: number): void {
    const kept = this.#steps.findLastIndex((one) => one <= step) + 1;
    this.#steps.length = kept;
    for (const values of Object.values(this.#values)) values.length = kept;
    this.#throttle.request();
  }

  /** Sets the line under the title. */
  status(text: string): void {
    this.#status = text;
    this.#throttle.request();
  }

  /** Shows a warning above the curves; the last three stay in sight. */
  alert(text: string): void {
    this.#alerts.push(text);
    this.#throttle.request();
  }

  /** Shows the final state at once; later calls show nothing. */
  done(text?: string): void {
    if (this.#isDone) return;
    if (text !== undefined) this.#status = text;
    this.#throttle.flush();
    this.#line?.end(this.#oneLine());
    this.#isDone = true;
  }

  toString(): string {
    return panelText(this.#state());
  }

  [displaySymbol](): MimeBundle {
    const state = this.#state();
    return {
      "text/plain": panelText(state),
      "image/svg+xml": panelSvg(state),
      ...(this.runId === undefined
        ? {}
        : { [runMimeType]: { runId: this.runId, title: this.title, status: this.#status } }),
    };
  }

  #state(): PanelState {
    const hidden = this.#alerts.length - shownAlerts;
    const alerts = this.#alerts.slice(-shownAlerts);
    return {
      title: this.title,
      status: this.#status,
      alerts: hidden > 0 ? [`${hidden} earlier warning${hidden === 1 ? "" : "s"}`, ...alerts] : alerts,
      curves: this.#metrics.map(({ key, label, format }) => ({ label, format, x: this.#steps, y: this.#values[key]! })),
    };
  }

  #oneLine(): string {
    const values = this.#metrics.map(({ key, label, format }) => {
      const last = this.#values[key]!.at(-1);
      return last === undefined ? "" : `${label} ${format(last)}`;
    });
    const step = this.#steps.at(-1);
    const alert = this.#alerts.at(-1);
    return [this.title, this.#status, step === undefined ? "" : `step ${step}`, ...values, alert && `⚠ ${alert}`]
      .filter(Boolean)
      .join(" · ");
  }

  #update(): void {
    if (this.#isDone) return;
    if (this.#line) this.#line.write(this.#oneLine());
    else this.#display?.update(this);
  }
}
