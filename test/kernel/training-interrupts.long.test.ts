import { test } from "node:test";
import { interruptTraining } from "./trainingInterrupts.ts";

test("a training interrupted at 200 random moments equals one that was never interrupted", () =>
  interruptTraining({ interrupts: 200, steps: 12, seed: 2 }));
