import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createMessage, type JupyterMessage } from "../../kernel/protocol/index.ts";
import { KernelRuns } from "../../server/documents/kernelRuns.ts";
import { findChromium, launchBrowser } from "./browser.ts";

/** Numbers that are the same in every run of the test. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const sequences = 40;
const length = 60;
const cellIds = ["a", "b", "c"];
const pieces = ["x", "yz", "\n", "\r", "50%", "\b", "done", "\r\n", "abc\rA", "\n\n", "q\b\b"];

/** One message of a kernel at random, for one of the requests. */
function randomMessage(random: (below: number) => number, request: JupyterMessage): JupyterMessage {
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  const bundle = (type: string) => ({ data: { "text/plain": `${type} ${random(1000)}` }, metadata: {} });
  const id = { transient: { display_id: pick(["one", "two"]) } };
  const [type, content] = pick<() => [string, Record<string, unknown>]>([
    () => ["stream", { name: "stdout", text: Array.from({ length: 1 + random(3) }, () => pick(pieces)).join("") }],
    () => ["stream", { name: "stdout", text: pick(pieces) }],
    () => ["stream", { name: "stderr", text: pick(pieces) }],
    () => ["display_data", { ...bundle("display"), ...(random(2) ? id : {}) }],
    () => ["update_display_data", { ...bundle("update"), ...id }],
    () => ["update_display_data", { ...bundle("update"), ...id }],
    () => ["execute_result", { ...bundle("result"), execution_count: 1 }],
    () => ["error", { ename: "Error", evalue: "wrong", traceback: ["wrong"] }],
    () => ["clear_output", { wait: random(2) === 0 }],
    () => ["status", { execution_state: "busy" }],
  ])();
  return createMessage(type, content, { session: "kernel", parent: request, channel: "iopub" });
}

async function bundle(): Promise<string> {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [`${root}/test/e2e/client-outputs.js`],
    bundle: true,
    write: false,
    format: "iife",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis", __dirname: '"/"' },
    loader: { ".svg": "text", ".css": "empty" },
    alias: { path: "path-browserify" },
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

interface Shown {
  [cell: string]: { outputs: unknown[]; count: number | null; state: string };
}

interface ClientPage {
  run(cell: string): string;
  follow(run: object): void;
  hear(messages: object[]): Promise<void>;
  shown(): Shown;
}
declare const page: (name: string) => ClientPage;

const chromium = findChromium();

test("for any messages, what is kept is what JupyterLab shows, and a page that follows shows the same", {
  skip: chromium ? false : "no Chromium",
}, async (t) => {
  const script = await bundle();
  const server = createServer((request, response) => {
    const isScript = request.url === "/script.js";
    response.setHeader("Content-Type", isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8");
    response.end(isScript ? script : '<!doctype html><body><script src="/script.js"></script>');
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  const browser = await launchBrowser(t, chromium!);
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on("pageerror", (error) => errors.push(error.stack ?? error.message));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  assert.ok(await tab.evaluate("globalThis.isReady"), errors.join("\n"));

  for (let seed = 1; seed <= sequences; seed++) {
    const random = randomNumbers(seed);
    const runs = new KernelRuns(() => undefined);
    const [watched, late] = [`watched ${seed}`, `late ${seed}`];
    const requests = new Map<string, JupyterMessage>();
    let isLateThere = false;
    let batch: object[] = [];
    const flush = async (): Promise<void> => {
      const heard = batch.map((message) => ({ ...message, buffers: [] }));
      batch = [];
      for (const name of isLateThere ? [watched, late] : [watched])
        await tab.evaluate(([client, messages]) => page(client).hear(messages), [name, heard] as const);
    };
    const start = async (cell: string): Promise<void> => {
      await flush();
      const id = await tab.evaluate(([client, id]) => page(client).run(id), [watched, cell] as const);
      const request = createMessage(
        "execute_request",
        { code: "code" },
        { session: "page", metadata: { cellId: cell } },
      );
      request.header.msg_id = id;
      requests.set(cell, request);
      runs.sent(request);
      if (isLateThere)
        await tab.evaluate(([client, run]) => page(client).follow(run), [
          late,
          runs.snapshot().cells.find(({ cell_id }) => cell_id === cell)!,
        ] as const);
    };
    for (const cell of cellIds) await start(cell);
    const joinsAt = 10 + random(length - 20);
    for (let i = 0; i < length; i++) {
      if (i === joinsAt) {
        await flush();
        const { cells } = runs.snapshot();
        await tab.evaluate(
          ([client, told]) => {
            for (const run of told) page(client).follow(run);
          },
          [late, JSON.parse(JSON.stringify(cells)) as object[]] as const,
        );
        isLateThere = true;
      }
      const cell = cellIds[random(cellIds.length)]!;
      if (random(25) === 0) await start(cell);
      const message = randomMessage(random, requests.get(cell)!);
      runs.received(message);
      batch.push(message);
    }
    await flush();
    const kept = Object.fromEntries(runs.list().map((run) => [run.cellId, run.toJSON()]));
    for (const name of [watched, late]) {
      const shown = await tab.evaluate((client) => page(client).shown(), name);
      for (const cell of cellIds)
        assert.deepEqual(kept[cell], shown[cell]!.outputs, `sequence ${seed}, cell ${cell}, ${name}`);
    }
  }
  assert.deepEqual(errors, []);
});
