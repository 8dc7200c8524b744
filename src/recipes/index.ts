import { cir } from "./cir.ts";
import { cirProtocol } from "./cir-protocol.ts";

/** Configurations of published systems, one per paper. */
export const recipes = { cir };

/** How published systems were evaluated: options for `lab.evaluate`. */
export const protocols = { cir: cirProtocol };
