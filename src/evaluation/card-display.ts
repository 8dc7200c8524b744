import { formatNumber, formatPercent } from "../display/format.ts";
import { displaySymbol, type MimeBundle } from "../display/host.ts";
import { table } from "../display/table.ts";
import type { Estimate } from "./statistics.ts";
import type { EvaluationSummary } from "./summary.ts";

/** A table of families, the whole last. */
export function cardBundle(card: {
  name: string;
  seconds: number | undefined;
  summary: EvaluationSummary;
  families: Readonly<Record<string, EvaluationSummary>>;
}): MimeBundle {
  const samples = Math.max(...Object.keys(card.summary.passAtK).map(Number));
  const average = `avg@${samples}`;
  const pass = `pass@${samples}`;
  const majority = `maj@${samples}`;
  const rows = Object.entries({ ...card.families, all: card.summary }).map(([family, summary]) => ({
    family,
    tasks: summary.tasks,
    [average]: summary.accuracy.value,
    "95 % interval": interval(summary.accuracy),
    [pass]: summary.passAtK[samples],
    [majority]: summary.majority,
    "used code": summary.codeShare,
    "right answers that used code": summary.codeShareOfCorrect,
    tokens: summary.meanTokens,
  }));
  const shares = [average, pass, majority, "used code", "right answers that used code"];
  const time = card.seconds === undefined ? "" : `, ${card.seconds.toFixed(1)} s`;
  return table(rows, {
    caption: `${card.name}: ${formatNumber(card.summary.samples)} responses to ${formatNumber(card.summary.tasks)} tasks${time}`,
    formats: {
      ...Object.fromEntries(shares.map((column) => [column, (share: number) => formatPercent(share)])),
      tokens: (tokens: number) => tokens.toFixed(1),
    },
    align: { "95 % interval": "right" },
  })[displaySymbol]();
}

const interval = ({ low, high }: Estimate): string => `${formatPercent(low)} to ${formatPercent(high)}`;
