import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { listRuns, Run } from "../../src/recording/index.ts";
import { type RolloutRecord, readRolloutRecords } from "../../src/training/rollout-records.ts";
import { until } from "../until.ts";
import { cirlab } from "./cirlab.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

test("cirlab runs looks at, steers and removes runs from another process", async () => {
  const interpreter = await PythonInterpreter.start({ lanes: 1 });
  const record = await runsFolder();
  const folderOption = ["--folder", record];
  const trainer = await smallTrainer({ interpreter });
  const run = trainer.start(100_000, { record });
  await until(() => run.steps.length >= 1);
  const { id, folder } = await trainer.openRun(record);
  const runs = (...args: string[]) => cirlab("runs", ...args, ...folderOption);

  assert.match((await runs("pause", id)).out, /pause: obeyed after step \d+/);
  assert.equal(run.status, "paused");
  const standing = trainer.step;
  assert.match(
    (await runs("list")).out,
    new RegExp(`${id}\\s+paused \\(process ${process.pid}\\)\\s+step ${standing}`),
  );
  assert.equal((await runs("step", id.slice(0, 12))).code, 0);
  await until(() => run.status === "paused" && trainer.step === standing + 1);
  const set = await runs("set", id, "clipRatioHigh=0.4", "klForm=k2", "maxToolCalls=[[0,1],[2,2]]");
  assert.equal(set.code, 0, set.err);
  assert.equal(trainer.config.clipRatioHigh, 0.4);
  assert.equal(trainer.config.klForm, "k2");
  const bad = await runs("set", id, "clipRatioHigh=-1");
  assert.equal(bad.code, 1);
  assert.match(bad.err, /refused after step \d+: .*clipRatioHigh.*-1/);
  assert.equal((await runs("mark", id, "good")).code, 0);
  assert.equal((await runs("hold", id)).code, 0);
  const next = trainer.step + 1;
  await until(async () => (await (await Run.open(folder)).timeline()).held === next);
  const [{ trajectory }] = (await readRolloutRecords(await Run.open(folder), next)) as [RolloutRecord];
  const held = String(next);
  const unfit = await runs("intervene", id, held, "0/0", "output", "9", "1");
  assert.equal(unfit.code, 1);
  assert.match(unfit.err, /turn 9 is none/);
  assert.equal((await runs("intervene", id, held, "0/0", "erase", "9", "1")).code, 2);
  const changed = await runs("intervene", id, held, "0/0", "write", `${trajectory.promptLength}`, "So", "--end");
  assert.match(changed.out, /intervene: obeyed/, changed.err);
  const refused = await runs("remove", id);
  assert.equal(refused.code, 1);
  assert.match(refused.err, new RegExp(`being trained by process ${process.pid}; nothing was removed`));
  assert.ok(existsSync(folder));
  assert.equal((await runs("resume", id)).code, 0);
  await until(() => trainer.step > standing + 2);
  assert.equal((await runs("stop", id)).code, 0);
  await run.done;
  assert.equal(run.status, "stopped");

  const { out } = await runs("show", folder);
  assert.match(out, /state +stopped/);
  assert.match(out, /checkpoints .*\(good\)/);
  assert.match(out, new RegExp(`after ${standing + 1} +\\{.*"clipRatioHigh":0.4`));
  const late = await runs("pause", id);
  assert.equal(late.code, 1);
  assert.match(late.err, /is not being trained \(stopped\)/);
  assert.match((await runs("show", "nothing")).err, /"nothing" names no single run .* there are/);
  assert.equal((await runs("explode")).code, 2);
  assert.equal((await runs("set", id, "clipRatioHigh")).code, 2);
  assert.equal((await runs("remove", id)).code, 0);
  assert.ok(!existsSync(folder));
  assert.match((await runs("list")).out, /No runs/);
  await interpreter.close();
});

test("cirlab train trains a recipe; --from repeats the run with the same figures; --resume goes on", async () => {
  const record = await runsFolder();
  const small = ["promptsPerStep=2", "numGenerations=2", "maxLength=40", "checkpointEvery=2"];
  const sets = small.flatMap((setting) => ["--set", setting]);
  const where = ["--folder", record];
  const trained = await cirlab("train", "--recipe", "cir", "--steps", "2", "--tasks", "algebra", ...sets, ...where);
  assert.equal(trained.code, 0, trained.err);
  const folder = trained.out.trim();
  assert.equal(dirname(folder), record);
  const resumed = await cirlab("train", "--resume", folder, "--steps", "1", "--set", "clipRatioHigh=0.4", ...where);
  assert.equal(resumed.code, 0, resumed.err);
  assert.equal(resumed.out.trim(), `versions: the same\n${folder}`);

  const again = await cirlab("train", "--from", folder, ...where);
  assert.equal(again.code, 0, again.out + again.err);
  assert.match(again.out, /versions: the same\nfigures of 3 steps: the same/);
  const copy = await Run.open(again.out.trim().split("\n").at(-1)!);
  assert.notEqual(basename(copy.folder), basename(folder));
  assert.equal((await copy.timeline()).step, 3);
  assert.equal((await listRuns(record)).length, 2);
  const { changes } = await copy.timeline();
  assert.deepEqual(changes, [{ step: 2, changes: { clipRatioHigh: 0.4 } }]);

  assert.equal((await cirlab("train")).code, 2);
  assert.equal((await cirlab("train", "--recipe", "cis")).code, 2);
  const wrong = await cirlab("train", "--recipe", "cir", "--set", "clipRatioHig=1", ...where);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /clipRatioHig.*did you mean/);
  assert.equal((await cirlab("train", "--from", join(record, "nowhere"))).code, 1);
});
