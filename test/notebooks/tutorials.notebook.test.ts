import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { firstTutorial } from "./first-tutorial.ts";
import { joined, notebookOf, outputOf, plain, root, run } from "./runner.ts";

const tutorial = (name: string) => join(root, "notebooks/tutorials", name);

test("the first tutorial runs", () => firstTutorial("auto"));

test("the second tutorial, small, shows accuracy rising", async () => {
  const cells = await run(tutorial("02-learning-to-use-code.ipynb"), {
    families: ["algebra", "chain1"],
    coldStartSteps: 260,
    steps: 14,
    heldOutTasks: 30,
    samples: 8,
  });
  const verdict = outputOf(cells, "gain, points");
  const value = (what: string) => Number(new RegExp(`${what}\\s+(-?[\\d.]+)`).exec(verdict)![1]);
  assert.ok(value("accuracy after") > value("accuracy before") + 0.05, verdict);
  assert.ok(
    value("share of correct answers that used code, after") >= value("share of correct answers that used code, before"),
    verdict,
  );
  const panel = cells.find(({ source }) => joined(source).includes("for await (const step of trainer.train"))!;
  assert.ok(
    panel.outputs!.some((output) => output.data?.["image/svg+xml"]),
    "no live panel",
  );
});

test("the README's tour runs as it stands, with fewer steps", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const tour = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const small = tour
    .replace("steps: 400", "steps: 60")
    .replaceAll("40)", "2)")
    .replace("steps: 40 ", "steps: 2 ")
    .replace("samples: 16", "samples: 2");
  assert.notEqual(small, tour);
  const outputs = await run(await notebookOf(small));
  assert.match(plain(outputs.at(-1)!), /avg@2/);
});
