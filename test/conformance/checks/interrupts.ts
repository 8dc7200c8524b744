import assert from "node:assert/strict";
import type { TestKernel } from "../../kernel/client.ts";
import { busyNames } from "../cells.ts";
import { atWork, type Check, need, value } from "./check.ts";

/** By message where the kernel takes one, else by the signal that clients of such a kernel send. */
async function interrupt(kernel: TestKernel, byMessage: boolean): Promise<void> {
  if (byMessage) await kernel.interrupt();
  else kernel.process.kill("SIGINT");
}

/**
 * Ways in which a cell is busy. Each must end with an error after an interrupt and leave the variables of earlier cells.
 *
 * @param byMessage what the kernelspec's `interrupt_mode` says.
 */
export const interrupts = (byMessage: boolean): Check[] =>
  busyNames.map((name) => ({
    name: `interrupt: ${name}`,
    run: async (kernel, cells) => {
      const code = need(cells.busy[name]);
      await kernel.execute(cells.busyHelpers);
      await kernel.execute(cells.keep);
      const running = kernel.send(code);
      await atWork(running);
      await interrupt(kernel, byMessage);
      assert.equal((await running.done).reply.status, "error");
      assert.equal(value(await kernel.execute(cells.kept)), "42", "state is kept");
    },
  }));

/** A builtin that nothing can stop: the user is told, and a second interrupt gives back a kernel that answers. */
export const lastResort = (byMessage: boolean): Check => ({
  name: "interrupt: what cannot be stopped is told, and a second interrupt restarts",
  alone: true,
  run: async (kernel, cells) => {
    const code = need(cells.busy["a builtin's synchronous loop after an await"]);
    const running = kernel.send(code);
    await atWork(running);
    await interrupt(kernel, byMessage);
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    running.done.then(over, over);
    await kernel.until(() => isOver || running.messages.some((m) => /nterrupt again/.test(String(m.content.text))));
    if (!isOver) await interrupt(kernel, byMessage);
    assert.equal((await running.done).reply.status, "error");
    assert.equal(value(await kernel.execute("6 * 7")), "42");
  },
});
