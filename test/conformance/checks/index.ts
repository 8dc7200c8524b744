import type { Check } from "./check.ts";
import { execution } from "./execution.ts";
import { interrupts, lastResort } from "./interrupts.ts";
import { language } from "./language.ts";
import { transport } from "./transport.ts";

export type { Check } from "./check.ts";

/** Protocol and behaviour. */
export const protocolChecks: readonly Check[] = [...execution, ...language, ...transport];

/** A cell that is busy in each of twelve ways is interrupted, and what follows where nothing helps. */
export const interruptChecks = (byMessage: boolean): Check[] => [...interrupts(byMessage), lastResort(byMessage)];
