import { test } from "node:test";
import { interruptTraining } from "./trainingInterrupts.ts";

test("a training interrupted at 12 random moments equals one that was never interrupted", () =>
  interruptTraining({ interrupts: 12, steps: 6, seed: 1 }));
