/**
 * Supervised fine-tuning: cross-entropy of the tokens that count, averaged over a step's tokens.
 *
 *   loss = - sum over trained tokens of log pi(token | what stands before it in its sample) / number of trained tokens
 *   perplexity = exp(loss)
 *
 * Names of settings follow TRL's SFTTrainer (packing, maxLength, assistantOnlyLoss). Two things differ: a sample that is
 * too long is left out, not cut, unless told otherwise; and packed samples never see each other.
 */

import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import { formatNumber } from "../../display/index.ts";
import { type ChatTemplateChoice, chatTemplate } from "../../policy/chat/index.ts";
import type { Policy } from "../../policy/policy.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { lengthBucket, type MaskedRows, type PolicyOptimizer } from "../optimizer.ts";
import { Scorer } from "../scoring.ts";
import { CorpusLearner, type CorpusTask } from "./corpus-learner.ts";
import { sftGlossary } from "./glossary.ts";
import { layOut, packRows, rowBucket } from "./packing.ts";
import { jsonLines, type ResumeSupervisedOptions, readCorpus, resumeSupervisedRun } from "./run-folder.ts";
import { type Sample, type SftExample, sampleLine, sampleLineSchema, sampleOf } from "./samples.ts";
import { corpusSettings, type Rates } from "./settings.ts";

export const sftSchema = z.strictObject({
  ...corpusSettings,
  /** Positions of a step's rows, padding included. */
  batchTokens: z.int().positive().default(4096),
  /** Several samples in a row, where they fit. */
  packing: z.boolean().default(true),
  /** Tokens of a row, and of the longest sample. Default: as many as the policy has positions. */
  maxLength: z.int().min(2).optional(),
  /** A longer sample is left out, or loses its end. */
  overlong: z.enum(["drop", "truncate"]).default("drop"),
  /** Of messages only what the assistant wrote counts, of prompts with completions only the completion. */
  assistantOnlyLoss: z.boolean().default(true),
  /** Share of the samples that is held back and measured, where none are given for that. */
  validationShare: z.number().min(0).max(0.5).default(0),
});

export type SftConfig = z.infer<typeof sftSchema> & { readonly maxLength: number };
export type SftSettings = z.input<typeof sftSchema>;

export interface SftTrainerOptions extends SftSettings {
  lab: LabContext;
  policy: Policy;
  /** What to learn from; see `SftExample`. */
  data: readonly (SftExample | Sample)[];
  /** What to measure on. Default: `validationShare` of the data. */
  validation?: readonly (SftExample | Sample)[];
  /** How messages become tokens. Default: ChatML where the tokenizer has its tokens, else the plain template. */
  template?: ChatTemplateChoice;
}

/** Figures of a step beside those of every corpus. */
export interface SftMetrics {
  /** exp(loss). */
  readonly perplexity: number;
  readonly samples: number;
  /** Share of the rows' positions that hold a sample's token. */
  readonly fill: number;
  /** Cross-entropy of what was held back, in the steps where it was measured. */
  readonly evalLoss?: number;
  readonly evalPerplexity?: number;
}

const fixed = ["packing", "maxLength", "overlong", "assistantOnlyLoss", "validationShare"] as const;
const objective = { name: "cross-entropy", loss: crossEntropy };
const files = { samples: "samples.jsonl", validation: "validation.jsonl" };

/**
 * Trains a policy in place on text, chats or rollouts.
 *
 * @example
 * const trainer = new SftTrainer({ lab, policy, data: chats, validationShare: 0.1, learningRate: 2e-3 });
 * for await (const { metrics } of trainer.train({ epochs: 3 })) console.log(metrics.loss);
 */
export class SftTrainer extends CorpusLearner<SftConfig, SftSettings, SftMetrics> {
  readonly settingsSchema = sftSchema;
  /** What is learnt from, as tokens with roles and masks. */
  readonly samples: readonly Sample[];
  /** What is measured on. */
  readonly validation: readonly Sample[];
  /** Samples that were left out: longer than `maxLength`, or without a token that counts. */
  readonly left: { readonly overlong: number; readonly untrained: number };

  /** @throws InvalidInputError naming settings out of range, the example that cannot be read, or that nothing is left. */
  constructor({ lab, policy, data, validation, template, ...settings }: SftTrainerOptions) {
    for (const [name, value] of Object.entries({ lab, policy, data }))
      if (value === undefined) throw new InvalidInputError(`An SftTrainer needs ${name}.`);
    const config = checkedConfig(settings, policy);
    const left = { overlong: 0, untrained: 0 };
    const options = { tokenizer: policy.tokenizer, template: chatTemplate(policy.tokenizer, template), ...config };
    const read = (examples: readonly (SftExample | Sample)[]) =>
      examples.flatMap((example, i) => {
        const sample = isSample(example) ? example : sampleOf(example, i, options);
        return fitting(sample, config, left);
      });
    const all = read(data);
    const held = validation ? 0 : Math.round(config.validationShare * all.length);
    const drawn = held ? lab.random("validation").shuffle(all) : all;
    const samples = drawn.slice(held);
    if (!samples.length)
      throw new InvalidInputError(
        `There is nothing to learn from: of ${data.length} samples ${left.overlong} are longer than ${config.maxLength} tokens and ${left.untrained} have no token that counts.`,
      );
    const heldBack = validation ? read(validation) : drawn.slice(0, held);
    super(lab, policy, sftTask(policy, samples, heldBack), config);
    this.samples = samples;
    this.validation = heldBack;
    this.left = left;
  }

  /**
   * A trainer that goes on with a recorded run, from its folder alone.
   *
   * @throws RecordingError for a folder that is no run of an SftTrainer, CheckpointError for one without checkpoints.
   */
  static resume(folder: string, options: ResumeSupervisedOptions = {}): Promise<SftTrainer> {
    return resumeSupervisedRun(folder, "sft", options, async ({ run, lab, policy }, settings) => {
      const data = await readCorpus(run, files.samples, sampleLineSchema);
      const validation = await readCorpus(run, files.validation, sampleLineSchema);
      return new SftTrainer({ ...settings, lab, policy, data, validation });
    });
  }
}

function checkedConfig(settings: unknown, policy: Policy): SftConfig {
  const { maxLength = policy.config.maxLength, ...config } = parseInput(sftSchema, settings, "SFT settings");
  if (maxLength > policy.config.maxLength)
    throw new InvalidInputError(
      `maxLength (${maxLength}) is more than the policy's ${policy.config.maxLength} positions.`,
    );
  return { ...config, maxLength };
}

const isSample = (example: SftExample | Sample): example is Sample =>
  typeof example === "object" && example !== null && "trained" in example && "roles" in example;

/** The sample as it can be learnt from, or none. */
function fitting(
  sample: Sample,
  { maxLength, overlong }: SftConfig,
  left: { overlong: number; untrained: number },
): Sample[] {
  const isLong = sample.ids.length > maxLength;
  if (isLong && overlong === "drop") {
    left.overlong++;
    return [];
  }
  const { ids, roles, trained } = sample;
  const cut = isLong
    ? { ids: ids.slice(0, maxLength), roles: roles.slice(0, maxLength), trained: trained.slice(0, maxLength) }
    : sample;
  if (cut.trained.some((counts, i) => counts && i > 0)) return [cut];
  left.untrained++;
  return [];
}

function sftTask(
  policy: Policy,
  samples: readonly Sample[],
  validation: readonly Sample[],
): CorpusTask<SftConfig, SftMetrics> {
  const { padId } = policy.tokenizer;
  const scorer = new Scorer(policy);
  const group = (order: readonly number[], corpus: readonly Sample[], { packing, maxLength }: SftConfig) => {
    if (!packing) return order.map((i) => [i]);
    const lengths = order.map((i) => corpus[i]!.ids.length);
    return packRows(lengths, maxLength).map((row) => row.map((place) => order[place]!));
  };
  const lay = (rows: readonly (readonly number[])[], corpus: readonly Sample[], config: SftConfig): MaskedRows => {
    const taken = rows.map((row) => row.map((i) => corpus[i]!));
    const longest = Math.max(...taken.map((row) => row.reduce((sum, { ids }) => sum + ids.length, 0)));
    const length = lengthBucket(longest, config.maxLength);
    return layOut(taken, { rows: rowBucket(rows.length, rowsPerStep(config)), length, padId }, config.packing);
  };
  return {
    kind: "sft",
    subject: `${samples.length} samples`,
    view: {
      curves: [
        { key: "loss" },
        ...(validation.length ? [{ key: "evalLoss", label: "held-back loss" }] : []),
        { key: "perplexity" },
        { key: "gradNorm", label: "gradient norm" },
        { key: "learningRate", label: "learning rate" },
      ],
      line: ({ loss, epoch }) => [`loss ${formatNumber(loss!)}`, `epoch ${formatNumber(epoch!, 2)}`],
    },
    glossary: sftGlossary,
    size: samples.length,
    fixed,
    check: (settings) => checkedConfig(settings, policy),
    rows: (order, config) => group(order, samples, config),
    rowsPerStep,
    async update(rows, optimizer: PolicyOptimizer, config, rates: Rates) {
      const laid = lay(rows, samples, config);
      const figures = await optimizer.step(laid, { objective, inputs: {}, temperature: 1, ...rates });
      const { loss, entropy, gradNorm, skipped } = figures as Record<
        "loss" | "entropy" | "gradNorm" | "skipped",
        number
      >;
      const used = rows.flat().reduce((sum, i) => sum + samples[i]!.ids.length, 0);
      return {
        loss,
        perplexity: Math.exp(loss),
        entropy,
        gradNorm,
        skipped,
        tokens: laid.mask.reduce((sum, value) => sum + value, 0),
        samples: rows.flat().length,
        fill: used / laid.ids.length,
      };
    },
    async evaluate(config): Promise<Record<string, number>> {
      if (!validation.length) return {};
      const rows = group(Array.from(validation.keys()), validation, config);
      let [sum, tokens] = [0, 0];
      for (let at = 0; at < rows.length; at += rowsPerStep(config)) {
        const laid = lay(rows.slice(at, at + rowsPerStep(config)), validation, config);
        const logprobs = await scorer.logprobs(laid, 1);
        laid.mask.forEach((counts, i) => {
          if (!counts) return;
          sum -= logprobs[i]!;
          tokens++;
        });
      }
      return { evalLoss: sum / tokens, evalPerplexity: Math.exp(sum / tokens) };
    },
    files: () => ({
      [files.samples]: jsonLines(samples.map(sampleLine)),
      [files.validation]: jsonLines(validation.map(sampleLine)),
    }),
    close: () => scorer.close(),
  };
}

const rowsPerStep = ({ batchTokens, maxLength }: SftConfig): number => Math.max(1, Math.floor(batchTokens / maxLength));
