import { writeFile } from "node:fs/promises";

/** Opens a rollout in a stepper, `steps`. */
export const stepperCell = `import { agents, Lab, Policy, PythonInterpreter, stepper, tasks } from "cirlab";
const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
const python = await PythonInterpreter.start({ lanes: 1 });
const policy = await Policy.create("tiny-math", { lab });
const task = tasks.arithmetic({ families: ["algebra"] }).at(0);
const rollout = lab.rollout({ policy, interpreter: python, task, maxToolCalls: 2, maxLength: 96 });
const steps = stepper(rollout);`;

/** Trains in the background until it is stopped, as `run` of `trainer`. */
export const trainingCell = `import { Lab, Policy, PythonInterpreter, recipes, tasks, Trainer } from "cirlab";
const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
const python = await PythonInterpreter.start({ lanes: 1 });
const trainer = new Trainer({
  ...recipes.cir(), lab, interpreter: python, taskset: tasks.arithmetic({ families: ["algebra"] }),
  policy: await Policy.create("tiny-math", { lab }),
  promptsPerStep: 2, numGenerations: 3, maxLength: 32, checkpointEvery: 2,
});
const run = trainer.start(100_000);`;

/** Writes a notebook with these cells. */
export async function writeCells(file: string, cells: Readonly<Record<string, string>>): Promise<void> {
  const code = Object.entries(cells).map(([id, source]) => ({
    ...{ cell_type: "code", id, source, metadata: {}, execution_count: null, outputs: [] },
  }));
  const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } };
  await writeFile(file, JSON.stringify({ cells: code, metadata, nbformat: 4, nbformat_minor: 5 }));
}
