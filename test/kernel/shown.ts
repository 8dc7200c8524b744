import assert from "node:assert/strict";
import type { JupyterMessage } from "../../kernel/protocol/index.ts";
import { type Execution, TestKernel } from "./client.ts";

export type Bundle = Record<string, unknown>;

/** The first cell of tests that use the cells' API. */
export const api =
  'import { clearOutput, display, input, openComm, progress, registerTarget, updateDisplay } from "cirlab/kernel";';

export const ofType = ({ messages }: { messages: JupyterMessage[] }, type: string): JupyterMessage[] =>
  messages.filter((m) => m.header.msg_type === type);

export const data = (message: JupyterMessage | undefined): Bundle => message?.content.data as Bundle;

export const displayId = (message: JupyterMessage | undefined): string | undefined =>
  (message?.content.transient as { display_id?: string } | undefined)?.display_id;

/** A kernel whose cells have the API. */
export async function startWithApi(): Promise<TestKernel> {
  const kernel = await TestKernel.start();
  await cellsOf(() => kernel).run(api);
  return kernel;
}

/** Runs cells that must end well. */
export function cellsOf(kernel: () => TestKernel) {
  const run = async (code: string): Promise<Execution> => {
    const done = await kernel().execute(code);
    assert.equal(done.reply.status, "ok", `${code}\n${JSON.stringify(done.reply)}`);
    return done;
  };
  /** The bundle of a cell's result. */
  const shown = async (code: string): Promise<Bundle> => data(ofType(await run(code), "execute_result")[0]);
  /** Its text. */
  const text = async (code: string): Promise<string> => String((await shown(code))["text/plain"]);
  return { run, shown, text };
}
