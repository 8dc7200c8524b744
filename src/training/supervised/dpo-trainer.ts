import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import { formatNumber, formatPercent } from "../../display/index.ts";
import { type ChatTemplateChoice, chatTemplate } from "../../policy/chat/index.ts";
import type { Policy } from "../../policy/policy.ts";
import { lengthBucket, type MaskedRows } from "../optimizer.ts";
import { Scorer } from "../scoring.ts";
import { CorpusLearner, type CorpusTask } from "./corpus-learner.ts";
import { dpoInputs, dpoLoss } from "./dpo-loss.ts";
import { dpoGlossary } from "./glossary.ts";
import { layOut, rowBucket } from "./packing.ts";
import {
  type PreferenceExample,
  type PreferencePair,
  pairLine,
  pairLineSchema,
  pairOf,
  type ScoredPair,
} from "./preference-pairs.ts";
import { jsonLines, type ResumeSupervisedOptions, readCorpus, resumeSupervisedRun } from "./run-folder.ts";
import type { Sample } from "./samples.ts";
import { corpusSettings, type Rates } from "./settings.ts";

const dpoSchema = z.strictObject({
  ...corpusSettings,
  /** How strongly the policy is held to the reference: the smaller, the further it may go. */
  beta: z.number().positive().default(0.1),
  /** Share of the preferences that is taken to be the wrong way round. */
  labelSmoothing: z.number().min(0).lt(0.5).default(0),
  /** Pairs of a step. */
  pairsPerStep: z.int().positive().default(16),
  learningRate: corpusSettings.learningRate.unwrap().default(1e-4),
});

export type DpoConfig = z.infer<typeof dpoSchema>;
export type DpoSettings = z.input<typeof dpoSchema>;

export interface DpoTrainerOptions extends DpoSettings {
  lab: LabContext;
  policy: Policy;
  /** Preferences; those from rollouts by `preferencePairs`. */
  pairs: readonly (PreferenceExample | PreferencePair)[];
  /** Preferences to measure on. Default: none. */
  validation?: readonly (PreferenceExample | PreferencePair)[];
  /** What the policy is held to. Default: the policy as it is now. */
  reference?: Policy;
  /** How messages become tokens. Default: ChatML where the tokenizer has its tokens, else the plain template. */
  template?: ChatTemplateChoice;
}

/** Figures of a step beside those of every corpus. */
export interface DpoMetrics {
  /** Means over pairs of beta (log pi - log ref). */
  readonly rewardChosen: number;
  readonly rewardRejected: number;
  readonly rewardMargin: number;
  /** Share of the pairs whose margin is above 0. */
  readonly rewardAccuracy: number;
  readonly pairs: number;
  /** Of the pairs that were held back, in the steps where they were measured. */
  readonly evalRewardMargin?: number;
  readonly evalRewardAccuracy?: number;
}

const names = { pairs: "pairs.jsonl", validation: "validation.jsonl" };
const objective = { name: "dpo", loss: dpoLoss };

/**
 * Trains a policy in place on preferences; see dpo-loss.ts.
 *
 * @example
 * const trainer = await DpoTrainer.create({ lab, policy, pairs: preferencePairs(batch), beta: 0.1 });
 * for await (const { metrics } of trainer.train({ epochs: 1 })) console.log(metrics.rewardMargin);
 */
export class DpoTrainer extends CorpusLearner<DpoConfig, DpoSettings, DpoMetrics> {
  readonly settingsSchema = dpoSchema;
  readonly pairs: readonly ScoredPair[];
  /** What is measured on. */
  readonly validation: readonly ScoredPair[];

  private constructor(
    lab: LabContext,
    policy: Policy,
    { pairs, validation }: Corpus,
    settings: Readonly<Record<string, unknown>>,
  ) {
    super(lab, policy, dpoTask(policy, { pairs, validation }), settings);
    this.pairs = pairs;
    this.validation = validation;
  }

  /**
   * Reads the pairs and scores them by the reference, once.
   *
   * @throws InvalidInputError naming settings out of range, or the pair that cannot be read or is too long.
   */
  static async create(options: DpoTrainerOptions): Promise<DpoTrainer> {
    const { lab, policy, pairs: examples, validation: held = [], reference = policy, template, ...settings } = options;
    for (const [name, value] of Object.entries({ lab, policy, pairs: examples }))
      if (value === undefined) throw new InvalidInputError(`A DpoTrainer needs ${name}.`);
    if (!examples.length) throw new InvalidInputError("There are no pairs to learn from.");
    const config = parseInput(dpoSchema, settings, "DPO settings");
    const { tokenizer } = policy;
    const reading = { tokenizer, template: chatTemplate(tokenizer, template), assistantOnlyLoss: true };
    const { maxLength } = policy.config;
    const read = (example: PreferenceExample | PreferencePair, i: number): PreferencePair => {
      const pair = pairOf(example, i, reading);
      const longest = Math.max(pair.chosen.ids.length, pair.rejected.ids.length);
      if (longest <= maxLength) return pair;
      throw new InvalidInputError(`Example ${i} has ${longest} tokens, but the policy ${maxLength} positions.`);
    };
    const scorer = new Scorer(reference);
    const score = (given: typeof examples) => scored(reference, scorer, given.map(read), config.pairsPerStep);
    try {
      return new DpoTrainer(lab, policy, { pairs: await score(examples), validation: await score(held) }, settings);
    } finally {
      await scorer.close();
    }
  }

  /**
   * A trainer that goes on with a recorded run, from its folder alone.
   *
   * @throws RecordingError for a folder that is no run of a DpoTrainer, CheckpointError for one without checkpoints.
   */
  static resume(folder: string, options: ResumeSupervisedOptions = {}): Promise<DpoTrainer> {
    return resumeSupervisedRun(folder, "dpo", options, async ({ run, lab, policy }, settings) => {
      const pairs = await readCorpus(run, names.pairs, pairLineSchema);
      const validation = await readCorpus(run, names.validation, pairLineSchema);
      return new DpoTrainer(lab, policy, { pairs, validation }, settings);
    });
  }
}

interface Corpus {
  readonly pairs: readonly ScoredPair[];
  readonly validation: readonly ScoredPair[];
}

/** Pairs with what a policy says of them. */
async function scored(
  policy: Policy,
  scorer: Scorer,
  pairs: readonly PreferencePair[],
  atOnce: number,
): Promise<ScoredPair[]> {
  const all: ScoredPair[] = [];
  for (let at = 0; at < pairs.length; at += atOnce) {
    const part = pairs.slice(at, at + atOnce);
    const rows = lay(policy, part, atOnce);
    const logprobs = await scorer.logprobs(rows, 1);
    const sum = (row: number): number => {
      let total = 0;
      for (let i = row * rows.length; i < (row + 1) * rows.length; i++) if (rows.mask[i]) total += logprobs[i]!;
      return total;
    };
    all.push(...part.map((pair, i) => ({ ...pair, refLogprobs: [sum(2 * i), sum(2 * i + 1)] as const })));
  }
  return all;
}

/** Pairs as rows: a chosen one, then its rejected one. */
function lay({ config, tokenizer }: Policy, pairs: readonly PreferencePair[], size: number): MaskedRows {
  const rows: Sample[][] = pairs.flatMap(({ chosen, rejected }) => [[chosen], [rejected]]);
  const length = lengthBucket(Math.max(...rows.map(([sample]) => sample!.ids.length)), config.maxLength);
  return layOut(rows, { rows: 2 * size, length, padId: tokenizer.padId }, false);
}

function dpoTask(policy: Policy, { pairs, validation }: Corpus): CorpusTask<DpoConfig, DpoMetrics> {
  const scorer = new Scorer(policy);
  return {
    kind: "dpo",
    subject: `${pairs.length} pairs`,
    view: {
      curves: [
        { key: "loss" },
        { key: "rewardMargin", label: "margin" },
        { key: "rewardAccuracy", label: "pairs in order", format: formatPercent },
        { key: "rewardChosen", label: "reward of chosen" },
        { key: "rewardRejected", label: "reward of rejected" },
        { key: "gradNorm", label: "gradient norm" },
      ],
      line: ({ loss, rewardMargin }) => [`loss ${formatNumber(loss!)}`, `margin ${formatNumber(rewardMargin!)}`],
    },
    glossary: dpoGlossary,
    size: pairs.length,
    fixed: [],
    check: (settings) => parseInput(dpoSchema, settings, "DPO settings"),
    rows: (order) => order.map((i) => [i]),
    rowsPerStep: ({ pairsPerStep }) => pairsPerStep,
    async update(rows, optimizer, { beta, labelSmoothing, pairsPerStep }, rates: Rates) {
      const taken = rows.flat().map((i) => pairs[i]!);
      const size = rowBucket(taken.length, pairsPerStep);
      const laid = lay(policy, taken, size);
      const refLogprobs = new Float32Array(2 * size);
      refLogprobs.set(taken.flatMap((pair) => pair.refLogprobs));
      const pairWeights = new Float32Array(size).fill(1 / taken.length, 0, taken.length);
      const { refLogprobs: refName, pairWeights: weightsName } = dpoInputs;
      const inputs = { [refName]: refLogprobs, [weightsName]: pairWeights, beta, labelSmoothing };
      const figures = await optimizer.step(laid, { objective, inputs, temperature: 1, ...rates });
      const tokens = laid.mask.reduce((sum, value) => sum + value, 0);
      return { ...(figures as unknown as DpoFigures), pairs: taken.length, tokens };
    },
    async evaluate({ beta, pairsPerStep }): Promise<Record<string, number>> {
      if (!validation.length) return {};
      const now = await scored(policy, scorer, validation, pairsPerStep);
      const margins = now.map(({ refLogprobs: [chosen, rejected] }, i) => {
        const [before, beforeRejected] = validation[i]!.refLogprobs;
        return beta * (chosen - before - (rejected - beforeRejected));
      });
      const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      return {
        evalRewardMargin: mean(margins),
        evalRewardAccuracy: mean(margins.map((margin) => (margin > 0 ? 1 : 0))),
      };
    },
    files: () => ({
      [names.pairs]: jsonLines(pairs.map(pairLine)),
      [names.validation]: jsonLines(validation.map(pairLine)),
    }),
    close: () => scorer.close(),
  };
}

type DpoFigures = Omit<DpoMetrics, "pairs"> & Record<"loss" | "gradNorm" | "entropy" | "skipped", number>;
