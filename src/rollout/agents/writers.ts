import { InvalidInputError } from "../../base/errors.ts";
import { tinyMathTokenizer } from "../../policy/tiny-math.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import type { Task } from "../tasks/index.ts";
import type { Trajectory } from "../trajectory.ts";
import { type Agent, isAgent, type RolloutKeys } from "./agent.ts";
import { checkIntervention, type Mixture, type RolloutPolicy, type Takeover, takesOver } from "./mixture.ts";

/** Whoever can make rollouts: a network, an agent, or both. */
export type Writer = RolloutPolicy | Agent | Mixture;

/** Tokens of a rollout in all, where no network sets a limit. */
export const agentMaxLength = 4096;

/** Who writes the rollouts of a batch, and who of them is next. */
export class Writers {
  readonly tokenizer: Tokenizer;
  readonly network: RolloutPolicy | undefined;
  readonly agent: Agent | undefined;
  readonly #when: Takeover | undefined;

  /**
   * @param tokenizer of an agent's rollouts; a network brings its own. Default: the one of `tiny-math`, which has every
   *   printable ASCII character.
   */
  constructor(writer: Writer, tokenizer?: Tokenizer) {
    if ("expert" in writer) {
      const { expert, when } = checkIntervention(writer);
      this.network = writer.policy;
      this.agent = expert;
      this.#when = when;
    } else if (isAgent(writer)) this.agent = writer;
    else this.network = writer;
    if (this.network && tokenizer && tokenizer !== this.network.tokenizer)
      throw new InvalidInputError("A policy has a tokenizer of its own; none can be given beside it.");
    this.tokenizer = this.network?.tokenizer ?? tokenizer ?? tinyMathTokenizer();
  }

  /** Tokens that a rollout can have in all. */
  get maxLength(): number {
    return this.network?.config.maxLength ?? agentMaxLength;
  }

  /** Whether the agent writes on here, and not the network. */
  isAgentNext(trajectory: Trajectory, about: { task: Task | undefined; keys: RolloutKeys; seed: number }): boolean {
    if (!this.agent) return false;
    return !this.network || !this.#when || takesOver(this.#when, trajectory, about);
  }
}
