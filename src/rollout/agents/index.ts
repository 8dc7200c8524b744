import { mixture } from "./mixture.ts";
import { person } from "./person.ts";
import { remote } from "./remote.ts";
import { script } from "./script.ts";

export type { Agent, AgentReply, AgentTurn, RolloutKeys } from "./agent.ts";
export { isAgent } from "./agent.ts";
export type { Intervention, Mixture, RolloutPolicy, Takeover, TakeoverPoint } from "./mixture.ts";
export { checkIntervention } from "./mixture.ts";
export type { RemoteOptions } from "./remote.ts";
export type { ScriptFunction, ScriptReply } from "./script.ts";
export { type Writer, Writers } from "./writers.ts";

/** Policies that are not networks, and mixtures of a network with one. */
export const agents = { person, script, remote, mixture };
