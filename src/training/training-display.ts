import { displaySymbol } from "../display/host.ts";
import { formatNumber, formatPercent, type MimeBundle, table } from "../display/index.ts";
import type { Batch } from "./batch.ts";
import type { InfluenceReport } from "./gradients.ts";
import type { ObjectiveReport } from "./objective.ts";
import type { UpdateReport } from "./types.ts";

const shownRollouts = 24;
const shownTokens = 60;

/** A batch as a table: one row per rollout, the first two dozen. */
export function batchBundle(batch: Batch): MimeBundle {
  const rows = batch.rollouts.slice(0, shownRollouts).map(({ task, group, sample, trajectory, reward }) => ({
    group,
    sample,
    task: task.prompt,
    answer: task.answer,
    reward: reward.reward,
    "tool calls": trajectory.toolCalls.length,
    sampled: trajectory.sampledCount,
    stop: trajectory.stopReason ?? "",
    response: trajectory.text,
  }));
  const rest = batch.rollouts.length - rows.length;
  const caption = `Batch of step ${batch.step}: ${batch.rollouts.length} rollouts${rest > 0 ? `, the first ${rows.length}` : ""}`;
  return table(rows, { caption })[displaySymbol]();
}

/** An objective as a table: one row per trained token, the first sixty. */
export function objectiveBundle(objective: ObjectiveReport): MimeBundle {
  const rows = objective.tokens.slice(0, shownTokens).map((term) => ({
    rollout: term.rollout,
    token: term.token,
    text: JSON.stringify(term.text),
    logprob: formatNumber(term.logprob),
    source: term.source,
    old: formatNumber(term.oldLogprob),
    ...(term.refLogprob !== undefined && { ref: formatNumber(term.refLogprob) }),
    ratio: formatNumber(term.ratio, 6),
    advantage: formatNumber(term.advantage),
    clipped: term.clipped ? "yes" : "",
    "loss term": formatNumber(term.lossTerm),
  }));
  const figures = Object.entries(objective.metrics).map(([name, value]) => `${name} ${formatNumber(value)}`);
  const rest = objective.tokens.length > rows.length ? `, the first ${rows.length}` : "";
  const caption = `Objective over ${objective.tokens.length} trained tokens${rest} (${figures.join(", ")})`;
  return table(rows, { caption })[displaySymbol]();
}

/** Influences as a table: the strongest two dozen. */
export function influenceBundle(report: InfluenceReport): MimeBundle {
  const rows = report.rollouts.slice(0, shownRollouts).map((influence) => ({
    group: influence.group,
    sample: influence.sample,
    reward: influence.reward,
    advantage: formatNumber(influence.advantage),
    "gradient norm": formatNumber(influence.gradNorm),
    cosine: formatNumber(influence.cosine),
    share: formatPercent(influence.share),
  }));
  const rest = report.rollouts.length > rows.length ? `, the strongest ${rows.length}` : "";
  const caption = `Influence of ${report.rollouts.length} rollouts on a gradient of norm ${formatNumber(report.gradNorm)}${rest}`;
  return table(rows, { caption })[displaySymbol]();
}

/** An update as a table of its figures. */
export function updateBundle(update: UpdateReport): MimeBundle {
  const rows = Object.entries(update).map(([figure, value]) => ({ figure, value: formatNumber(Number(value)) }));
  return table(rows, { caption: "Update" })[displaySymbol]();
}
