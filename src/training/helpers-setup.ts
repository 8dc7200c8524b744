import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import { checkIntervention, type Intervention, type Mixture } from "../rollout/agents/index.ts";
import type { ToolBox } from "../tools/index.ts";

/** What a run's `config.json` says of typed tools and of an expert: code and people, which a folder cannot hold. */
export const helpersSetupSchema = z.object({
  /** As the policy is told of them. */
  tools: z
    .array(z.object({ name: z.string(), description: z.string(), parameters: z.record(z.string(), z.json()) }))
    .optional(),
  /** Who takes over in rollouts, and when: a rule, or the text of a function. */
  intervention: z.object({ expert: z.string(), source: z.string(), when: z.json() }).optional(),
});

export type HelpersSetup = z.infer<typeof helpersSetupSchema>;

/** What helps a policy in its rollouts beside an interpreter. */
export interface Helpers {
  readonly tools?: ToolBox | undefined;
  readonly intervention?: Intervention | undefined;
}

/** Tools and expert as they are recorded. Keys and addresses' secrets are not part of an expert's name. */
export function helpersSetup({ tools, intervention }: Helpers): HelpersSetup {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as never;
  return {
    ...(tools && { tools: plain(tools.schemas.map((schema) => schema.function)) }),
    ...(intervention && {
      intervention: {
        expert: intervention.expert.name,
        source: intervention.expert.source,
        when: typeof intervention.when === "function" ? String(intervention.when) : plain(intervention.when),
      },
    }),
  };
}

/**
 * The tools and the expert to go on with, which must be given: those of the run.
 *
 * @param id of the run.
 * @throws InvalidInputError where one is missing, is not the run's, or is given to a run that had none.
 */
export function checkedHelpers(id: string, recorded: HelpersSetup, given: Helpers): Helpers {
  const now = helpersSetup(given);
  for (const part of ["tools", "intervention"] as const) {
    const then = recorded[part];
    if (isDeepStrictEqual(then, now[part])) continue;
    if (!then) throw new InvalidInputError(`Run ${id} was trained without ${part}.`, `Leave it out: { ${part} }.`);
    const what = part === "tools" ? `tools ${recorded.tools!.map(({ name }) => name).join(", ")}` : "an expert";
    if (!now[part]) throw new InvalidInputError(`Run ${id} used ${what}.`, `Give the run's own: { ${part} }.`);
    throw new InvalidInputError(
      `The ${part} given are not those of run ${id}: ${differenceOf(then, now[part])}.`,
      `Give the run's own: { ${part} }.`,
    );
  }
  return given;
}

/** The first part that two records have differently. */
function differenceOf(then: object, now: object): string {
  const [a, b] = [byName(then), byName(now)];
  const name = [...new Set([...Object.keys(a), ...Object.keys(b)])].find((key) => !isDeepStrictEqual(a[key], b[key]))!;
  const text = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return `recorded for ${name} is ${text(a[name])}, given is ${text(b[name])}`;
}

const byName = (record: object): Record<string, unknown> =>
  Array.isArray(record)
    ? Object.fromEntries((record as { name: string }[]).map((one) => [one.name, one]))
    : { ...record };

/**
 * A trainer's expert and rule. A mixture brings them with the policy that it was made for.
 *
 * @throws InvalidInputError for a mixture of another policy, or a rule that means nothing.
 */
export function interventionOf(given: Intervention | Mixture | undefined, policy: Policy): Intervention | undefined {
  if (!given) return undefined;
  if ("policy" in given && given.policy !== policy)
    throw new InvalidInputError(
      "The mixture's policy is not the trainer's.",
      "Make it of the policy that is trained, or give { expert, when }.",
    );
  return checkIntervention(given);
}
