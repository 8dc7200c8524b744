import { cir } from "./cir.ts";

/** Configurations of published systems, one per paper. */
export const recipes = { cir };
