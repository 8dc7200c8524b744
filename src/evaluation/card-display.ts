import type { MimeBundle } from "../display/host.ts";
import { displaySymbol } from "../display/host.ts";
import { table } from "../display/index.ts";
import type { EvaluationSummary } from "./summary.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function row(family: string, summary: EvaluationSummary): Record<string, string> {
  const { accuracy, passAtK } = summary;
  const samples = Math.max(...Object.keys(passAtK).map(Number));
  return {
    family,
    tasks: String(summary.tasks),
    [`avg@${samples}`]: percent(accuracy.value),
    "95 % interval": `${percent(accuracy.low)} to ${percent(accuracy.high)}`,
    ...(samples > 1
      ? { [`pass@${samples}`]: percent(passAtK[samples]!), [`maj@${samples}`]: percent(summary.majority) }
      : {}),
    "used code": percent(summary.codeShare),
    "right answers that used code": percent(summary.codeShareOfCorrect),
    tokens: summary.meanTokens.toFixed(1),
  };
}

/** A table of families, the whole last. */
export function cardBundle(card: {
  name: string;
  seconds: number | undefined;
  summary: EvaluationSummary;
  families: Readonly<Record<string, EvaluationSummary>>;
}): MimeBundle {
  const rows = Object.entries(card.families).map(([family, summary]) => row(family, summary));
  rows.push(row("all", card.summary));
  const time = card.seconds === undefined ? "" : `, ${card.seconds.toFixed(1)} s`;
  const caption = `${card.name}: ${card.summary.samples} responses to ${card.summary.tasks} tasks${time}`;
  return table(rows, { caption })[displaySymbol]();
}
