import { displaySymbol } from "../display/host.ts";
import { formatDuration, formatNumber, formatPercent, LivePanel, type MimeBundle } from "../display/index.ts";
import type { StepReport } from "./types.ts";

const metrics = [
  { key: "reward" },
  { key: "accuracy", format: formatPercent },
  { key: "codeShare", label: "uses code", format: formatPercent },
  { key: "toolCalls", label: "tool calls" },
  { key: "entropy" },
  { key: "gradNorm", label: "gradient norm" },
];

/** The live panel of a training: its curves, and a line that says how far it is. */
export class TrainPanel {
  readonly #panel: LivePanel;
  readonly #count: number;
  readonly #started = performance.now();
  #taken = 0;
  #last: StepReport["metrics"] | undefined;

  constructor(title: string, count: number, runId: string | undefined) {
    this.#panel = new LivePanel({ title, metrics, runId }).show();
    this.#count = count;
  }

  step({ step, metrics: values, alerts }: StepReport): void {
    this.#taken++;
    this.#last = values;
    this.#panel.add(step, { ...values });
    for (const { message } of alerts) this.#panel.alert(`step ${step}: ${message}`);
    this.status();
  }

  alert(text: string): void {
    this.#panel.alert(text);
  }

  status(text?: string): void {
    const left = this.#count - this.#taken;
    const elapsed = performance.now() - this.#started;
    const rest = this.#taken && left ? `about ${formatDuration((left * elapsed) / this.#taken)} left` : undefined;
    this.#panel.status(this.#line(text ?? rest));
  }

  done(text: string): void {
    this.#panel.done(this.#line(text));
  }

  [displaySymbol](): MimeBundle {
    return this.#panel[displaySymbol]();
  }

  #line(end: string | undefined): string {
    const last = this.#last;
    return [
      `step ${this.#taken} of ${this.#count}`,
      last && `accuracy ${formatPercent(last.accuracy)}`,
      last && `KL ${formatNumber(last.kl, 2)}`,
      formatDuration(performance.now() - this.#started),
      end,
    ]
      .filter(Boolean)
      .join(" · ");
  }
}
