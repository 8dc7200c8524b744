import { InvalidInputError } from "../base/errors.ts";
import { nearestNames } from "../base/nearest.ts";
import { displaySymbol } from "../display/host.ts";
import { formatNumber, table, withDisplay } from "../display/index.ts";
import { type MetricEntry, metricGlossary } from "./metric-glossary.ts";

/** A metric explained, with its value in the last step where there was one. */
export interface MetricExplanation extends MetricEntry {
  readonly metric: string;
  readonly value?: number;
}

/**
 * What a metric means: its formula, what a healthy run shows, and what to do otherwise.
 *
 * @param glossary what there is to explain. Default: the metrics of training on rollouts.
 * @throws InvalidInputError for a metric that does not exist, naming those that are close.
 */
export function explainMetric(
  metric: string,
  value?: number,
  glossary: Readonly<Record<string, MetricEntry>> = metricGlossary,
): MetricExplanation {
  const entry = Object.hasOwn(glossary, metric) ? glossary[metric] : errorClass(metric);
  if (!entry) {
    const names = nearestNames(metric, Object.keys(glossary));
    const known = names.length ? names : Object.keys(glossary);
    throw new InvalidInputError(
      `There is no metric ${JSON.stringify(metric)}.`,
      `${names.length ? "Close to it" : "Known"}: ${known.join(", ")}.`,
    );
  }
  const explanation: MetricExplanation = { metric, ...entry, ...(value !== undefined && { value }) };
  return withDisplay(explanation, () =>
    table(
      [
        { what: "meaning", text: entry.meaning },
        { what: "expected", text: entry.expected },
        { what: "what to do", text: entry.advice },
        ...(value === undefined ? [] : [{ what: "last step", text: formatNumber(value) }]),
      ],
      { caption: metric },
    )[displaySymbol](),
  );
}

/** A metric that is named after a class of errors. */
function errorClass(metric: string): MetricEntry | undefined {
  const name = /^toolErrors\.(\w+)$/.exec(metric)?.[1];
  return name === undefined
    ? undefined
    : {
        meaning: `Share of executions that ended in ${name}. Absent where none did in a step.`,
        expected: "Falls as toolErrors does.",
        advice:
          "One class that stays: read the code that raises it; a package or a rule of the interpreter may be in its way.",
      };
}
