import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { StepRows } from "../../src/display/rollout-rows.ts";
import type { RolloutView } from "../../src/display/rollout-view.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import type { RunDetails, RunRow } from "../../src/live/index.ts";
import { Run } from "../../src/recording/index.ts";
import { lockRun } from "../../src/recording/lock.ts";
import { smallTrainer } from "../training/time-tools.ts";
import { makeRun } from "./recorded-runs.ts";
import { startServer, type TestServer } from "./server.ts";

describe("recorded runs", () => {
  let server: TestServer;
  let run: Run;
  const ends: (() => unknown)[] = [];
  const path = () => `project/runs/${run.id}`;
  const get = async <T>(address: string, query: Record<string, string | number> = {}): Promise<T> => {
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const response = await server.api("GET", `/api/runs${address}?${parameters}`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as T;
  };
  const status = async (method: string, address: string): Promise<number> => (await server.api(method, address)).status;
  const list = async () => (await get<{ runs: RunRow[] }>("/")).runs;

  before(async () => {
    server = await startServer({ after: (end) => void ends.push(end as () => unknown) });
    run = await makeRun(join(server.root, "project", "runs"), "first", 4);
    await run.close();
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  it("are found wherever they lie, with state, course and size; hidden folders and links are not followed", async () => {
    const other = await makeRun(join(server.root, "elsewhere"), "second", 1);
    other.append({ type: "run-finished", step: 1, reason: "completed" });
    await other.close();
    await cp(run.folder, join(server.root, ".hidden", "runs", run.id), { recursive: true });
    await symlink(join(server.root, "project"), join(server.root, "link"));
    const runs = await list();
    assert.deepEqual(runs.map((row) => row.path).sort(), [`elsewhere/${other.id}`, path()]);
    const [first, second] = [path(), `elsewhere/${other.id}`].map((one) => runs.find((row) => row.path === one)!);
    assert.equal(second!.state, "completed");
    // Nobody holds its lock, and it never said that it ended.
    assert.equal(first!.state, "died");
    assert.deepEqual(first!.metric, { name: "reward", last: 0.4, course: [0.1, 0.2, 0.3, 0.4] });
    assert.equal(first!.alerts, 1);
    assert.ok(first!.bytes > 1000);
    await rm(join(server.root, "elsewhere"), { recursive: true });
  });

  it("one has its configuration, metrics in columns, events, checkpoints and recorded steps", async () => {
    const details = await get<RunDetails>("/run", { path: path() });
    assert.equal(details.config!.seed, 3);
    assert.deepEqual(details.metrics, {
      steps: [1, 2, 3, 4],
      columns: { reward: [0.1, 0.2, 0.3, 0.4], kl: [null, null, null, null] },
    });
    assert.deepEqual(
      details.events.map(({ type }) => type),
      ["run-started", "checkpoint", "alert"],
    );
    assert.deepEqual(
      details.checkpoints.map(({ step, isValid }) => [step, isValid]),
      [[0, true]],
    );
    assert.deepEqual(details.rolloutSteps, [1, 2, 3, 4]);
    const few = await get<RunDetails>("/run", { path: path(), points: 2 });
    assert.deepEqual(few.metrics.steps, [2, 4], "the last step is always there");
  });

  it("rollouts of a step come as rows, and some in full with their texts", async () => {
    const all = await get<StepRows & { total: number }>("/rollouts", { path: path(), step: 2 });
    assert.equal(all.total, 3);
    assert.deepEqual(all.figures, ["logprob", "entropy", "advantage"]);
    assert.deepEqual(
      all.rows.map(({ group, sample, outcome, length, advantage }) => [
        group,
        sample,
        outcome,
        length,
        advantage ?? null,
      ]),
      [
        [0, 0, "wrong answer", 8, null],
        [0, 1, "correct", 5, 1.25],
        [1, 0, "wrong answer", 42, null],
      ],
    );
    const part = await get<StepRows>("/rollouts", { path: path(), step: 2, offset: 1, limit: 1 });
    assert.deepEqual(
      part.rows.map(({ index }) => index),
      [1],
    );
    const { rollouts } = await get<{ rollouts: RolloutView[] }>("/rollouts/full", {
      path: path(),
      step: 2,
      index: "1",
    });
    assert.equal(rollouts[0]!.texts.join(""), "2+3=?five⟨8238⟩");
    assert.deepEqual(rollouts[0]!.sources, [
      ["prompt", 5],
      ["sampled", 5],
    ]);
    assert.deepEqual(rollouts[0]!.figures.advantage, [null, null, null, null, null, 1.25, 1.25, 1.25, 1.25, 1.25]);
    const refused = ["index=7", "index=-1", "index=a"].map((query) =>
      status("GET", `/api/runs/rollouts/full?path=${path()}&step=2&${query}`),
    );
    assert.deepEqual(await Promise.all(refused), [404, 400, 400]);
    assert.equal(await status("GET", `/api/runs/rollouts?path=${path()}&step=9`), 404);
  });

  it("a search finds text in any case; an expression that takes for ever is given up, and the next question answered", async () => {
    const find = (text: string, regex = 0) =>
      get<{ places: number[] }>("/rollouts/search", { path: path(), step: 1, text, regex });
    assert.deepEqual((await find("FOUR")).places, [0]);
    assert.deepEqual((await find("f(our|ive)", 1)).places, [0, 1]);
    assert.deepEqual((await find(".*(")).places, []);
    const address = (text: string) =>
      `/api/runs/rollouts/search?path=${path()}&step=1&regex=1&text=${encodeURIComponent(text)}`;
    assert.equal(await status("GET", address("(")), 400);
    const endless = server.api("GET", address("^(.*a|a+)+(a|aa)+$x"));
    assert.equal((await endless).status, 422);
    assert.deepEqual((await find("five")).places, [1]);
  });

  it("damaged ones are listed with the reason, and what can be read of them is", async () => {
    const runs = join(server.root, "damaged", "runs");
    for (const name of ["config", "event", "rollout", "empty"])
      await cp(run.folder, join(runs, name), { recursive: true });
    await writeFile(join(runs, "config", "config.json"), "{");
    await appendFile(join(runs, "event", "events.jsonl"), "no event\n");
    await writeFile(join(runs, "rollout", "rollouts", "step-000001.jsonl"), '{"task":1}\n');
    await rm(join(runs, "empty"), { recursive: true });
    await mkdir(join(runs, "empty"));
    const rows = (await list()).filter((row) => row.path.startsWith("damaged/"));
    const told = Object.fromEntries(rows.map(({ path, state, problem, step }) => [path, [state, problem, step]]));
    assert.deepEqual(
      Object.keys(told).sort(),
      ["config", "event", "rollout"].map((name) => `damaged/runs/${name}`),
    );
    assert.deepEqual(told["damaged/runs/config"], ["damaged", "config.json is damaged: it is not JSON.", 4]);
    assert.match(String(told["damaged/runs/event"]), /^damaged,events.jsonl, line 8 is damaged: it is not JSON.,4$/);
    const details = await get<RunDetails>("/run", { path: "damaged/runs/event" });
    assert.equal(details.metrics.steps.length, 4);
    assert.equal((await get<RunDetails>("/run", { path: "damaged/runs/config" })).config, undefined);
    const answer = await server.api("GET", "/api/runs/rollouts?path=damaged/runs/rollout&step=1");
    assert.equal(answer.status, 422);
    assert.match(((await answer.json()) as { message: string }).message, /rollout 0 of step 1.*task/);
    await rm(join(server.root, "damaged"), { recursive: true });
  });

  it("no path leads out of the served folder, and only who is let in may ask", async () => {
    const outside = join(server.root, "..", "outside");
    await cp(run.folder, join(outside, "runs", "one"), { recursive: true });
    const runs = join(server.root, "project", "runs");
    await symlink(join(outside, "runs", "one"), join(runs, "linked"));
    await cp(run.folder, join(runs, "inner"), { recursive: true });
    await rm(join(runs, "inner", "rollouts"), { recursive: true });
    await symlink(join(outside, "runs", "one", "rollouts"), join(runs, "inner", "rollouts"));
    const paths = [
      "../outside/runs/one",
      "project/../../outside/runs/one",
      "/etc",
      "project/runs/linked",
      "project/runs/inner",
      "project",
      "",
      ".hidden/runs/x",
      "a\0b",
    ];
    for (const one of paths)
      for (const address of ["run", "rollouts", "rollouts/full", "rollouts/search"]) {
        const query = new URLSearchParams({ path: one, step: "1", index: "0", text: "a" });
        assert.equal(await status("GET", `/api/runs/${address}?${query}`), 404, `${address} of ${JSON.stringify(one)}`);
      }
    for (const one of paths)
      assert.equal(await status("DELETE", `/api/runs/run?${new URLSearchParams({ path: one })}`), 404);
    assert.equal((await readdir(join(outside, "runs"))).length, 1);
    assert.equal((await server.raw("/api/runs")).status, 403);
    assert.equal((await server.raw(`/api/runs/run?path=${path()}`, { method: "DELETE" })).status, 403);
    for (const name of ["linked", "inner"]) await rm(join(runs, name), { recursive: true });
  });

  it("one that is trained is not removed; another is, whole", async () => {
    const unlock = await lockRun(run.folder);
    const refused = await server.api("DELETE", `/api/runs/run?path=${path()}`);
    assert.equal(refused.status, 409);
    assert.match(((await refused.json()) as { message: string }).message, /is being trained .* Nothing was removed/);
    assert.equal((await get<RunDetails>("/run", { path: path() })).row.state, "running");
    await unlock();
    const copy = join(server.root, "project", "runs", "copy");
    await cp(run.folder, copy, { recursive: true });
    assert.equal(await status("DELETE", "/api/runs/run?path=project/runs/copy"), 204);
    assert.deepEqual(await readdir(join(server.root, "project", "runs")), [run.id]);
    assert.equal(await status("GET", "/api/runs/run?path=project/runs/copy"), 404);
  });

  it("one that grows, goes back and is replaced is read as it stands", async () => {
    const growing = await Run.open(run.folder);
    const steps = async () => (await get<RunDetails>("/run", { path: path() })).metrics.steps;
    assert.deepEqual(await steps(), [1, 2, 3, 4]);
    growing.append({ type: "step", step: 5, metrics: { reward: 0.5 } });
    assert.deepEqual(await steps(), [1, 2, 3, 4, 5]);
    growing.append({ type: "rewound", step: 2 });
    growing.append({ type: "step", step: 3, metrics: { reward: 0.9 } });
    // A line that is being written does not count yet.
    await appendFile(join(run.folder, "events.jsonl"), '{"seq":99,"type":"st');
    assert.deepEqual(await steps(), [1, 2, 3]);
    await growing.close();
    const events = join(run.folder, "events.jsonl");
    await writeFile(
      `${events}.new`,
      `${JSON.stringify({ seq: 0, time: 1, type: "step", step: 1, metrics: { reward: 7 } })}\n`,
    );
    await rename(`${events}.new`, events);
    assert.deepEqual(await steps(), [1]);
  });

  it("a real training's rollouts have texts, advantages and what became of their code", async () => {
    const interpreter = await PythonInterpreter.start({ lanes: 1 });
    const trainer = await smallTrainer({ checkpointEvery: 0, interpreter });
    const folder = join(server.root, "real", "runs");
    await trainer.train(2, { record: folder }).done();
    const [id] = await readdir(folder);
    const real = `real/runs/${id}`;
    const { rows, figures } = await get<StepRows>("/rollouts", { path: real, step: 1 });
    assert.equal(rows.length, 6);
    assert.deepEqual(figures, ["logprob", "entropy", "advantage"]);
    const { rollouts } = await get<{ rollouts: RolloutView[] }>("/rollouts/full", {
      path: real,
      step: 1,
      index: "0,5",
    });
    for (const rollout of rollouts) {
      assert.ok(rollout.texts.join("").includes(rollout.task.prompt));
      const sampled = rollout.sources.flatMap(([source, count]) =>
        new Array<boolean>(count).fill(source === "sampled"),
      );
      assert.deepEqual(
        rollout.figures.advantage!.map((value) => value !== null),
        sampled,
      );
    }
    const byReward = rows.toSorted((a, b) => a.reward! - b.reward! || a.advantage! - b.advantage!);
    assert.deepEqual(
      byReward.map(({ advantage }) => advantage!),
      rows.map(({ advantage }) => advantage!).sort((a, b) => a - b),
      "the more reward, the more advantage",
    );
    assert.ok(byReward[0]!.advantage! < 0 && byReward.at(-1)!.advantage! > 0);
    await interpreter.close();
  });
});
