import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { JupyterMessage } from "../../kernel/protocol/index.ts";
import { type Execution, TestKernel } from "./client.ts";

const limit = { timeout: 30_000 };

type State = Record<string, unknown>;

const all =
  'import { button, choice, column, number, output, play, row, slider, text, toggle, widget } from "cirlab/kernel";';

/** A page as the kernel sees it: it keeps the models that it hears of, and sends what a person does. */
class Page {
  readonly kernel: TestKernel;
  readonly models = new Map<string, State>();

  private constructor(kernel: TestKernel) {
    this.kernel = kernel;
    kernel.client.onMessage((message) => {
      if (message.channel === "iopub") this.#hear(message);
    });
  }

  static async open(t: Pick<TestContext, "after">): Promise<Page> {
    const page = new Page(await TestKernel.start());
    t.after(() => page.kernel.stop());
    page.text(await page.kernel.execute(all));
    return page;
  }

  #hear({ header, content, buffers, metadata }: JupyterMessage): void {
    const id = content.comm_id as string;
    const data = (content.data ?? {}) as { method?: string; state?: State; buffer_paths?: (string | number)[][] };
    if (header.msg_type === "comm_close") this.models.delete(id);
    if (header.msg_type === "comm_open") {
      assert.equal(content.target_name, "jupyter.widget");
      assert.equal(metadata.version, "2.1.0");
      this.models.set(id, {});
    }
    const model = this.models.get(id);
    if (!model || !data.state) return;
    Object.assign(model, data.state);
    for (const [i, path] of (data.buffer_paths ?? []).entries()) place(model, path, buffers[i]!);
  }

  /** A cell that must not fail. @returns what it showed as text */
  text({ reply, result, stdout, stderr }: Execution): string {
    assert.equal(reply.status, "ok", `${String(reply.evalue)}\n${stderr}`);
    assert.equal(stderr, "");
    return stdout + (result ?? "");
  }

  async run(code: string): Promise<string> {
    return this.text(await this.kernel.execute(code));
  }

  /** Runs a cell that shows a widget. @returns the model's id */
  async show(code: string): Promise<string> {
    const execution = await this.kernel.execute(code);
    this.text(execution);
    const result = execution.messages.find((m) => m.header.msg_type === "execute_result");
    const data = result?.content.data as Record<string, { model_id: string; version_major: number }>;
    const view = data["application/vnd.jupyter.widget-view+json"];
    assert.equal(view?.version_major, 2);
    assert.ok(data["text/plain"]);
    return view.model_id;
  }

  /** Sends a message on a model's comm. @returns all broadcasts that it led to */
  async send(id: string, data: State, buffers: Uint8Array[] = []): Promise<JupyterMessage[]> {
    const message = this.kernel.client.message("comm_msg", { comm_id: id, data }, { buffers });
    return this.#handled(message);
  }

  async #handled(message: JupyterMessage): Promise<JupyterMessage[]> {
    const from = this.kernel.received.length;
    void this.kernel.client.send("shell", message);
    const isIdle = (m: JupyterMessage): boolean =>
      m.parent_header.msg_id === message.header.msg_id && m.content.execution_state === "idle";
    await this.kernel.until(() => this.kernel.received.slice(from).find(isIdle));
    return this.kernel.received.slice(from).filter((m) => m.header.msg_type !== "status");
  }

  /** A person changes a model. */
  change(id: string, state: State, buffers: Uint8Array[] = [], paths: unknown[] = []): Promise<JupyterMessage[]> {
    return this.send(id, { method: "update", state, buffer_paths: paths }, buffers);
  }

  /** A page that comes to a running kernel. @returns the answer to its question */
  async arrive(): Promise<JupyterMessage> {
    const comm_id = "a-page";
    const open = { comm_id, target_name: "jupyter.widget.control", data: {} };
    await this.#handled(this.kernel.client.message("comm_open", open, { metadata: { version: "1.0.0" } }));
    const [answer] = await this.send(comm_id, { method: "request_states" });
    return answer!;
  }

  closeFromPage(id: string): Promise<JupyterMessage[]> {
    return this.#handled(this.kernel.client.message("comm_close", { comm_id: id, data: {} }));
  }
}

function place(state: unknown, path: readonly (string | number)[], bytes: Uint8Array): void {
  const parent = path.slice(0, -1).reduce((inside, key) => (inside as Record<string, unknown>)[key], state);
  (parent as Record<string, unknown>)[path.at(-1)!] = bytes;
}

const floats = (bytes: unknown): number[] => {
  const own = new Uint8Array(bytes as Uint8Array);
  return [...new Float32Array(own.buffer)];
};

/** What was said on a model's comm. */
const said = (messages: JupyterMessage[], id: string): unknown[] =>
  messages.filter((m) => m.content.comm_id === id).map((m) => m.content.data);

test("a slider opens its models and changes both ways", limit, async (t) => {
  const page = await Page.open(t);
  const id = await page.show(
    `const rate = slider({ label: "learning rate", min: 1e-5, max: 1e-2, step: 1e-5, value: 1e-3 }); rate`,
  );
  const model = page.models.get(id)!;
  assert.equal(model._model_name, "FloatSliderModel");
  assert.deepEqual([model.min, model.max, model.value, model.description], [1e-5, 1e-2, 1e-3, "learning rate"]);
  for (const [part, name] of [
    ["layout", "LayoutModel"],
    ["style", "SliderStyleModel"],
  ] as const) {
    assert.match(String(model[part]), /^IPY_MODEL_/);
    assert.equal(page.models.get(String(model[part]).slice(10))?._model_name, name);
  }

  assert.equal(
    await page.run(`
rate.onChange((value, previous) => console.log("heard", previous, value));
rate.value = 5e-3; rate.value = 5e-3; rate.value`),
    "heard 0.001 0.005\n0.005",
  );
  assert.equal(page.models.get(id)!.value, 5e-3);

  const listening = page.kernel.received.findLast((m) => m.content.text === "heard 0.001 0.005\n")!.parent_header
    .msg_id;
  const heard = await page.change(id, { value: 0.0060000000000000001, stranger: 1 });
  assert.deepEqual(said(heard, id), [{ method: "echo_update", state: { value: 0.006 }, buffer_paths: [] }]);
  const [line] = heard.filter((m) => m.header.msg_type === "stream");
  assert.equal(line?.content.text, "heard 0.005 0.006\n");
  assert.equal(line?.parent_header.msg_id, listening, "a listener's output belongs to its cell");
  assert.equal(await page.run("rate.value"), "0.006");

  for (const wrong of [7, "much", null, Number.NaN])
    assert.deepEqual(said(await page.change(id, { value: wrong }), id).at(-1), {
      ...{ method: "update", state: { value: 0.006 }, buffer_paths: [] },
    });
  assert.equal(await page.run("[rate.value, rate.state.description].join()"), "'0.006,learning rate'");

  const [asked] = said(await page.send(id, { method: "request_state" }), id) as [{ method: string; state: State }];
  assert.equal(asked.method, "update");
  assert.deepEqual(asked.state, page.models.get(id));
});

test("every control has the model, the limits and the changes of its kind", limit, async (t) => {
  const page = await Page.open(t);
  const kind = async (code: string): Promise<[string, State]> => {
    const id = await page.show(code);
    return [id, page.models.get(id)!];
  };
  const names = async (code: string): Promise<string> => {
    const [, model] = await kind(code);
    return `${String(model._model_name)} ${String(model._view_name)}`;
  };
  assert.equal(await names("slider({ max: 10 })"), "IntSliderModel IntSliderView");
  assert.equal(await names(`slider({ min: 1e-6, max: 1e-2, scale: "log" })`), "FloatLogSliderModel FloatLogSliderView");
  assert.equal(await names("number()"), "FloatTextModel FloatTextView");
  assert.equal(await names("number({ min: 1, integer: true })"), "BoundedIntTextModel IntTextView");
  assert.equal(await names("text({ multiline: true })"), "TextareaModel TextareaView");
  assert.equal(await names(`toggle({ as: "button" })`), "ToggleButtonModel ToggleButtonView");
  assert.equal(await names(`choice({ options: [1, 2], as: "radio" })`), "RadioButtonsModel RadioButtonsView");

  const [estimator, model] = await kind(
    `const estimator = choice({ options: { "group": "grpo", "leave one out": "rloo" }, value: "rloo" });
estimator.onChange((value, previous) => console.log(previous, "->", value)); estimator`,
  );
  assert.deepEqual([model._options_labels, model.index], [["group", "leave one out"], 1]);
  const changed = await page.change(estimator, { index: 0 });
  assert.equal(changed.find((m) => m.header.msg_type === "stream")?.content.text, "rloo -> grpo\n");
  assert.deepEqual(said(await page.change(estimator, { index: 9 }), estimator).at(-1), {
    ...{ method: "update", state: { index: 0 }, buffer_paths: [] },
  });
  assert.match(await page.run(`estimator.options = { none: "rf", group: "grpo" }; estimator.chosen`), /'group'/);
  assert.deepEqual([model._options_labels, model.index], [["none", "group"], 1]);

  const [go, goModel] = await kind(`let presses = 0; const go = button({ label: "Go", kind: "danger" });
const forget = go.onClick(() => { presses++; }); go`);
  assert.equal(goModel.button_style, "danger");
  const press = () => page.send(go, { method: "custom", content: { event: "click" } });
  await press();
  await page.run("go.disabled = true");
  await press();
  await page.run("go.disabled = false; forget(); undefined");
  await press();
  assert.equal(await page.run("presses"), "1");

  const [clock, clockModel] = await kind(
    `const step = slider({ max: 7 }); const clock = play({ slider: step, intervalMs: 20 }); clock`,
  );
  assert.deepEqual([clockModel.max, clockModel.interval, clockModel.playing], [7, 20, false]);
  const link = [...page.models.values()].find((one) => one._model_name === "LinkModel")!;
  assert.deepEqual(link.source, [`IPY_MODEL_${clock}`, "value"]);
  await page.change(clock, { playing: true });
  await page.change(clock, { value: 3 });
  assert.equal(await page.run("[clock.playing, clock.value].join()"), "'true,3'");
  assert.equal(await page.run("clock.value = 5; clock.playing = false; [step.value, clock.value].join()"), "'5,5'");

  const [, boxModel] = await kind("column(row(go, step), estimator)");
  const inner = page.models.get(String((boxModel.children as string[])[0]).slice(10))!;
  assert.deepEqual([inner._model_name, (inner.children as string[])[0]], ["HBoxModel", `IPY_MODEL_${go}`]);
  assert.equal(await page.run("row(go, step)"), 'row:\n  button "Go"\n  slider: 5 (0 to 7)');
});

test("bytes travel as bytes, both ways and nested", limit, async (t) => {
  const page = await Page.open(t);
  const id = await page.show(`
const own = widget({ esm: "export default {}", state: { weights: new Float32Array([1, 2.5]), deep: { list: [new Uint8Array([9])] }, count: 1 } });
own.onChange((changes) => console.log(changes));
own.onMessage((content: { n: number }, buffers) => own.send({ twice: content.n * 2 }, [new Float64Array(buffers[0]!.length)]));
own`);
  const model = page.models.get(id)!;
  assert.deepEqual([model._model_module, model._esm], ["anywidget", "export default {}"]);
  assert.deepEqual(floats(model.weights), [1, 2.5]);
  assert.deepEqual([...((model.deep as { list: Uint8Array[] }).list[0] ?? [])], [9]);

  const bytes = new Uint8Array(new Float32Array([0.25, 4, 8]).buffer);
  const heard = await page.change(id, { count: 2 }, [bytes], [["weights"]]);
  const echo = heard.find((m) => m.content.comm_id === id)!;
  assert.deepEqual((echo.content.data as State).buffer_paths, [["weights"]]);
  assert.deepEqual(floats(echo.buffers[0]), [0.25, 4, 8]);
  const told = heard.find((m) => m.header.msg_type === "stream")?.content.text;
  assert.equal(told, "{ weights: Float32Array(3) [ 0.25, 4, 8 ], count: 2 }\n");
  await page.run("own.set({ weights: new Float32Array([7]) })");
  assert.deepEqual(floats(model.weights), [7]);

  const message = { method: "custom", content: { n: 21 } };
  const [answer] = (await page.send(id, message, [new Uint8Array(3)])).filter((m) => m.content.comm_id === id);
  assert.deepEqual(answer?.content.data, { method: "custom", content: { twice: 42 } });
  assert.equal(answer?.buffers[0]?.length, 24);

  // What cannot be is refused, and the widget stays as it was.
  for (const [state, buffers, paths] of [
    [{}, [new Uint8Array(3)], [["weights"]]],
    [{ count: 5 }, [], [["weights"]]],
    [{ deep: {} }, [new Uint8Array(4)], [["deep", "__proto__", "polluted"]]],
  ] as const)
    await page.change(id, state, [...buffers], [...paths]);
  assert.equal(await page.run("[own.get('count'), own.get('weights')[0], {}.polluted].join()"), "'2,7,'");

  const states = await page.arrive();
  const data = states.content.data as {
    method: string;
    states: Record<string, { state: State }>;
    buffer_paths: string[][];
  };
  assert.equal(data.method, "update_states");
  assert.deepEqual(
    data.buffer_paths.map((path) => path.join()),
    [`${id},state,weights`, `${id},state,deep,list,0`],
  );
  assert.deepEqual(floats(states.buffers[0]), [7]);
});

test("an output widget shows all that code puts out, in every page", limit, async (t) => {
  const page = await Page.open(t);
  const id = await page.show("const log = output(); log");
  const shown = () => page.models.get(id)!.outputs as State[];
  const until = (check: () => boolean) => page.kernel.until(() => check());

  assert.equal(await page.run(`log.capture(() => { console.log("one"); console.error("two"); return 3; })`), "3");
  await until(() => shown().length === 2);
  assert.deepEqual(shown()[1], { output_type: "stream", name: "stderr", text: "two\n" });

  // Also what comes later, while another cell runs; and nothing of that cell.
  await page.run("log.clear()");
  const later = await page.kernel.execute(`
const inside = log.capture(async () => {
  await new Promise((passed) => setTimeout(passed, 20));
  display({ "text/html": "<b>old</b>" }, { displayId: "shown" });
  console.log("late");
});
console.log("outside"); await inside; console.log("after")`);
  assert.equal(later.stdout, "outside\nafter\n");
  await until(() => shown().length === 2);
  await page.run(
    `import { updateDisplay } from "cirlab/kernel"; updateDisplay("shown", { "text/html": "<b>new</b>" });`,
  );
  await until(() => JSON.stringify(shown()[0]).includes("<b>new</b>"));

  await page.run(`log.clear(true);`);
  assert.equal(shown().length, 2);
  await page.run(`log.capture(() => { for (let i = 0; i < 20_000; i++) console.log("line", i); })`);
  await until(() => String(shown()[0]?.text).endsWith("line 19999\n"));
  assert.equal(String(shown()[0]?.text).split("\n").length, 20_001);
  const updates = page.kernel.received.filter((m) => m.content.comm_id === id);
  assert.ok(updates.length < 60, `${updates.length} updates`);

  await page.run(
    `log.clear(); log.capture(() => { process.stdout.write("10%\\r20%\\rdo"); process.stdout.write("ne\\r\\n!"); })`,
  );
  await until(() => shown()[0]?.text === "done\n!");

  const failed = await page.kernel.execute(`log.capture(() => { throw new Error("not caught"); })`);
  assert.equal(failed.reply.evalue, "not caught");
  await page.run("log.close();");
  assert.match(String((await page.kernel.execute("log.capture(() => 1)")).reply.evalue), /closed/);
});

test("a listener that fails is told under its cell and stops no other one", limit, async (t) => {
  const page = await Page.open(t);
  const id = await page.show(`const size = number({ value: 1 });
size.onChange(() => { throw new Error("first"); });
size.onChange(async () => { await null; throw new Error("second"); });
size.onChange((value) => console.log("third", value));
size`);
  const cell = page.kernel.received.findLast((m) => m.header.msg_type === "execute_result")!.parent_header.msg_id;
  await page.change(id, { value: 2 });
  const texts = await page.kernel.until(() => {
    const streams = page.kernel.received.filter((m) => m.header.msg_type === "stream");
    const text = streams.map((m) => m.content.text).join("");
    return ["first", "second", "third 2"].every((part) => text.includes(part)) && streams;
  });
  assert.ok(texts.every((m) => m.parent_header.msg_id === cell));
  assert.equal(await page.run("size.value"), "2");
});

test("values can be waited for while a cell runs", limit, async (t) => {
  const page = await Page.open(t);
  const id = await page.show("const level = slider({ max: 9 }); level");
  const running = page.kernel.send(
    "const seen: number[] = []; console.log('waits'); for await (const value of level) { seen.push(value); if (value > 6) break; } seen.join()",
  );
  await running.until((m) => m.content.text === "waits\n");
  await page.change(id, { value: 3 });
  await page.change(id, { value: 8 });
  assert.equal((await running.done).result, "'3,8'");
  const closing = page.kernel.send(
    "console.log('waits'); for await (const value of level) seen.push(value); seen.length",
  );
  await closing.until((m) => m.content.text === "waits\n");
  await page.closeFromPage(id);
  assert.equal((await closing.done).result, "2");
});

test("a closed widget is gone in every page, and so are all when the session dies", limit, async (t) => {
  const page = await Page.open(t);
  const first = await page.show(`const one = slider({ label: "one" }); one`);
  const before = page.models.size;
  await page.run(
    `const clock = play({ slider: one }); clock.close(); const two = text({ label: "two", value: "kept" });`,
  );
  assert.equal(page.models.size, before + 3);
  await page.run("one.close();");
  assert.equal(page.models.has(first), false);
  assert.equal(page.models.size, 3);
  const refused = await page.kernel.execute("one.value = 3");
  assert.match(String(refused.reply.evalue), /This slider is closed/);
  assert.equal(await page.run("[one.value, one.isClosed].join()"), "'0,true'");
  const shown = await page.kernel.execute("one");
  const result = shown.messages.find((m) => m.header.msg_type === "execute_result")!;
  assert.deepEqual(Object.keys(result.content.data as object), ["text/plain"]);

  const answer = (await page.arrive()).content.data as { states: object };
  assert.deepEqual(Object.keys(answer.states).sort(), [...page.models.keys()].sort());
  const info = await page.kernel.ask("comm_info_request", { target_name: "jupyter.widget" });
  assert.deepEqual(Object.keys(info.comms as object).sort(), [...page.models.keys()].sort());

  await page.kernel.execute("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})");
  await page.kernel.until(() => page.models.size === 0);
});

test("options that cannot be are refused with what to do", limit, async (t) => {
  const page = await Page.open(t);
  const cases: [code: string, message: RegExp][] = [
    ["slider({ min: 5, max: 3 })", /^slider: min \(5\) is not below max \(3\)\. Give/],
    ["slider({ value: 300 })", /^slider: value 300 is outside of 0 to 100\. Give/],
    ["slider({ step: 0 })", /^slider: step is 0\. Give a number above 0/],
    ["slider({ max: Infinity })", /^slider: max is Infinity\. Give a finite number/],
    ['slider({ scale: "log" })', /^slider: min is 0, but a scale of powers begins above 0/],
    ["slider({ lable: 'x' } as never)", /^slider: there is no option "lable"\. Known: .*label/],
    ["slider({ label: 7 as never })", /^slider: label is 7\. Give a string/],
    ["slider({ layout: { widht: '1px' } as never })", /^slider: layout has no "widht"/],
    ["number({ value: 1.5, integer: true })", /^number: value 1\.5 is no whole number/],
    ["choice({ options: [] })", /^choice: options is empty/],
    ["choice({ options: ['a', 'a'] })", /^choice: two options are labelled "a"/],
    ["choice({ options: [{ a: 1 }] })", /^choice: the option \{ a: 1 \} is no label/],
    ["choice({ options: ['a'], value: 'b' as never })", /^choice: 'b' is none of the options: a/],
    ["toggle({ value: 1 as never })", /^toggle: value is 1\. Give true or false/],
    ["button({ kind: 'loud' as never })", /^button: kind is 'loud'\. Give one of "plain"/],
    ["button().onClick(3 as never)", /^button.onClick: the listener is 3\. Give a function/],
    ["row(3 as never)", /^row: 3 is no widget/],
    ["widget({ esm: '', state: { _x: 1 } })", /^widget: the state cannot have the name "_x"/],
    ["widget({ esm: '', state: { f() {} } })", /^widget: f is .*cannot travel/],
    ["widget({ esm: '', state: { n: 1 } }).set({ m: 1 } as never)", /^widget: the state has no "m"\. It has: n/],
    ["const s = slider(); s.value = 101", /^slider: value 101 is outside of 0 to 100/],
  ];
  for (const [code, message] of cases) {
    const { reply } = await page.kernel.execute(code);
    assert.match(String(reply.evalue), message, code);
  }
  // Nothing half-made is left: only those that were whole have models.
  const answer = (await page.arrive()).content.data as { states: Record<string, { model_name: string }> };
  const names = Object.values(answer.states).map((state) => state.model_name);
  assert.deepEqual(names.filter((name) => !/Layout|Style/.test(name)).sort(), [
    "AnyModel",
    "ButtonModel",
    "IntSliderModel",
  ]);
});
