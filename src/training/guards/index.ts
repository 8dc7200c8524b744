export { type DefaultGuardsOptions, guards } from "./default.ts";
export type { GuardSettings } from "./guard.ts";
export type { Alert, GuardAction, RolloutPlace } from "./types.ts";
