import { displaySymbol } from "../display/host.ts";
import { formatDuration, formatNumber, formatPercent, LivePanel, type MimeBundle } from "../display/index.ts";
import { figuresOf, type LearnerStep, type LearnerView } from "./learner.ts";

/** How training on rollouts is shown. */
export const rolloutView: LearnerView = {
  curves: [
    { key: "reward" },
    { key: "accuracy", format: formatPercent },
    { key: "codeShare", label: "uses code", format: formatPercent },
    { key: "toolCalls", label: "tool calls" },
    { key: "entropy" },
    { key: "gradNorm", label: "gradient norm" },
  ],
  line: ({ accuracy, kl }) => [`accuracy ${formatPercent(accuracy!)}`, `KL ${formatNumber(kl!, 2)}`],
};

/** The live panel of a training: its curves, and a line that says how far it is. */
export class TrainPanel {
  readonly #panel: LivePanel;
  #count: number;
  readonly #started = performance.now();
  #taken = 0;
  readonly #view: LearnerView;
  /** The figures of the last step; one that it did not measure is as it was measured last. */
  #last: Readonly<Record<string, number>> | undefined;

  constructor(title: string, count: number, view: LearnerView, runId?: string) {
    this.#panel = new LivePanel({ title, metrics: view.curves, runId }).show();
    this.#count = count;
    this.#view = view;
  }

  step(report: LearnerStep): void {
    const { step, alerts, changes = [] } = report;
    this.#taken++;
    this.#last = { ...this.#last, ...figuresOf(report) };
    this.#panel.add(step, this.#last);
    for (const { message } of alerts) this.#panel.alert(`step ${step}: ${message}`);
    for (const { text } of changes) this.#panel.alert(`step ${step}: ${text}`);
    this.status();
  }

  alert(text: string): void {
    this.#panel.alert(text);
  }

  /** The training went back to `step`: so many of its steps still count, and so many are left. */
  rewound(step: number, { taken, left }: { taken: number; left: number }): void {
    this.#taken = taken;
    this.#count = taken + left;
    this.#panel.cutAfter(step);
    this.#panel.alert(`went back to step ${step}`);
    this.status();
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
    return [
      `step ${this.#taken} of ${this.#count}`,
      ...(this.#last ? this.#view.line(this.#last) : []),
      formatDuration(performance.now() - this.#started),
      end,
    ]
      .filter(Boolean)
      .join(" · ");
  }
}
