import { formatNumber, formatPercent } from "../display/format.ts";
import { displaySymbol, type MimeBundle } from "../display/host.ts";
import { table } from "../display/table.ts";
import type { Estimate } from "./statistics.ts";
import type { EvaluationSettings, EvaluationSummary } from "./summary.ts";

/** A table of families, the whole last. */
export function cardBundle(card: {
  name: string;
  seconds: number | undefined;
  settings: EvaluationSettings | undefined;
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
    "tool calls": summary.meanToolCalls,
    ...(card.summary.passRate !== undefined && { "code that ran": summary.passRate }),
    tokens: summary.meanTokens,
  }));
  const shares = [average, pass, majority, "used code", "right answers that used code", "code that ran"];
  const time = card.seconds === undefined ? "" : `, ${card.seconds.toFixed(1)} s`;
  const what = `${card.name}: ${formatNumber(card.summary.samples)} responses to ${formatNumber(card.summary.tasks)} tasks${time}`;
  const figures = table(rows, {
    caption: `${what}${card.settings ? ` (${settingsText(card.settings)})` : ""}`,
    formats: {
      ...Object.fromEntries(shares.map((column) => [column, (share: number) => formatPercent(share)])),
      tokens: (tokens: number) => tokens.toFixed(1),
      "tool calls": (calls: number) => calls.toFixed(2),
    },
    align: { "95 % interval": "right" },
  })[displaySymbol]();
  const histories = Object.entries(card.summary.histories).map(([code, { samples: count, accuracy }]) => ({
    code,
    responses: count,
    right: formatPercent(accuracy),
  }));
  if (histories.length < 2) return figures;
  const below = table(histories, { caption: "Right answers by what became of the code" })[displaySymbol]();
  return {
    "text/plain": `${figures["text/plain"]}\n${below["text/plain"]}`,
    "text/html": `${figures["text/html"]}${below["text/html"]}`,
  };
}

const settingsText = ({ temperature, topP, seed, maxToolCalls, maxLength, promptFormat, reward }: EvaluationSettings) =>
  `temperature ${temperature}, top-p ${topP}, seed ${seed}, at most ${maxToolCalls} tool calls and ${maxLength} tokens, prompt "${promptFormat}", ${reward}`;

const interval = ({ low, high }: Estimate): string => `${formatPercent(low)} to ${formatPercent(high)}`;
