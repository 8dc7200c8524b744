/** What the charts call a run's metrics; others are shown under their own names. In the order in which they stand. */
const labels: Readonly<Record<string, string>> = {
  reward: "Reward",
  accuracy: "Accuracy",
  loss: "Loss",
  entropy: "Entropy",
  kl: "KL to the old policy",
  gradNorm: "Gradient norm",
  responseLength: "Response length",
  toolCalls: "Tool calls",
  toolErrors: "Tool errors",
  seconds: "Seconds per step",
  refKl: "KL to the reference",
  clipFraction: "Clipped share",
  truncated: "Truncated",
  infrastructure: "Lost to infrastructure",
  learningRate: "Learning rate",
};
const order = Object.keys(labels);

/** What is drawn where nobody has chosen: those of these that the run has. */
export const usualMetrics: readonly string[] = order.slice(0, 10);

export const labelOf = (metric: string): string =>
  Object.hasOwn(labels, metric) ? labels[metric]! : metric.replace(/^toolErrors\./, "Tool errors: ");

/** Names as they are listed: the known ones first. */
export function sorted(names: Iterable<string>): string[] {
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...names].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Short form of a value. */
export function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 10_000)) return value.toExponential(2);
  return Number.isInteger(value) && size >= 10 ? String(value) : value.toFixed(size < 10 ? 3 : 1);
}

/** Seconds as people say them. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.95) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
