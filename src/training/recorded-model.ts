import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { RandomStream } from "../base/random.ts";
import { signal } from "../display/index.ts";
import { Policy } from "../policy/policy.ts";
import type { Run } from "../recording/index.ts";

/** What every run says of the lab that it drew from and of the policy that it trained. */
export const modelSetupSchema = z.object({
  lab: z.object({
    seed: z.int().nonnegative(),
    device: z.enum(["auto", "cpu", "webgpu", "cuda"]),
    threads: z.int().positive().optional(),
    /** What the engine made of it. */
    used: z.object({ device: z.string(), threads: z.number() }),
  }),
  /** Its weights and tokenizer are those of the first checkpoint. */
  policy: z.object({ name: z.string(), architecture: z.record(z.string(), z.json()) }),
});

export type ModelSetup = z.infer<typeof modelSetupSchema>;

/** A lab and a policy as a run's `config.json` describes them. */
export function modelSetup({ seed, device, threads }: LabContext, policy: Policy): ModelSetup {
  const { report } = policy.engine;
  return {
    lab: { seed, device, threads, used: { device: report.device, threads: report.threads } },
    policy: { name: policy.name, architecture: { ...policy.config } },
  };
}

/**
 * The lab and the policy of a run made anew, or checked where they are given.
 *
 * @throws CheckpointError for a run without a checkpoint or a policy of another architecture, InvalidInputError for a lab
 * with another seed.
 */
export async function restoreModel(
  run: Run,
  { lab: { seed, device, threads }, policy: { name, architecture } }: ModelSetup,
  given: { readonly lab?: LabContext; readonly policy?: Policy },
): Promise<{ lab: LabContext; policy: Policy }> {
  const [first] = await run.validCheckpoints();
  if (!first)
    throw new CheckpointError(
      `Run ${run.id} ended before its first checkpoint was written.`,
      "Nothing can be taken up.",
    );
  const random: LabContext["random"] = (stream, ...keys) => new RandomStream(seed, stream, ...keys);
  const lab = given.lab ?? { seed, device, threads, random, signal };
  if (lab.seed !== seed)
    throw new InvalidInputError(
      `Run ${run.id} draws from seed ${seed}, but the lab has seed ${lab.seed}.`,
      "Leave the lab out, or make one with the run's seed.",
    );
  const policy = given.policy ?? (await Policy.load(first.path, { lab, name }));
  const config: Readonly<Record<string, unknown>> = { ...policy.config };
  const names = [...new Set([...Object.keys(config), ...Object.keys(architecture)])];
  const differing = names.filter((each) => config[each] !== architecture[each]);
  if (differing.length)
    throw new CheckpointError(
      `Run ${run.id} has a policy of another architecture: ${differing
        .map((each) => `${each} is ${architecture[each]}, the policy's is ${config[each]}`)
        .join("; ")}.`,
      "Leave the policy out: the run's folder has its own.",
    );
  return { lab, policy };
}
