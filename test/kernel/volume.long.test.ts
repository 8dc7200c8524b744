import assert from "node:assert/strict";
import { test } from "node:test";
import { Subscriber } from "zeromq";
import { address } from "../../kernel/protocol/connection.ts";
import { TestKernel } from "./client.ts";
import { residentMegabytes } from "./memory.ts";

test("a client that stopped reading costs the others nothing but time, and no memory without end", async () => {
  const kernel = await TestKernel.start();
  const deaf = new Subscriber({ receiveHighWaterMark: 10, linger: 0 });
  deaf.connect(address(kernel.client.connection, "iopub"));
  deaf.subscribe();
  try {
    await kernel.execute("1");
    const before = residentMegabytes(kernel.process.pid!);
    const running = kernel.send(
      `for (let i = 0; i < 60_000; i++) console.log(String(i).padEnd(1000));
for (let i = 0; i < 500; i++) display({ "text/plain": String(i) })`,
    );
    let most = 0;
    const stop = kernel.client.onMessage(() => {
      most = Math.max(most, residentMegabytes(kernel.process.pid!) ?? 0);
    });
    const { stdout, messages } = await running.done;
    stop();
    const lines = stdout.split("\n").slice(0, -1);
    assert.equal(lines.length, 60_000);
    assert.ok(lines.every((line, i) => Number(line) === i));
    assert.equal(messages.filter((m) => m.header.msg_type === "display_data").length, 500);
    if (before !== undefined) assert.ok(most - before < 250, `${before} MB became ${most} MB`);
    assert.equal((await kernel.execute("1 + 1")).result, "2");
  } finally {
    deaf.close();
    await kernel.stop();
  }
});
