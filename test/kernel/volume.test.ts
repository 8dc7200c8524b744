import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestKernel } from "./client.ts";
import { residentMegabytes } from "./memory.ts";

describe("much output", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await TestKernel.start();
    await kernel.execute("1");
  });
  after(() => kernel.stop());

  for (const count of [10_000, 200_000]) {
    test(`${count} lines arrive whole and in order, and the kernel answers meanwhile`, async () => {
      const running = kernel.send(`for (let i = 0; i < ${count}; i++) console.log("line " + i)`);
      await running.until((m) => m.header.msg_type === "stream");
      assert.ok(await kernel.client.ping());
      assert.equal((await kernel.ask("kernel_info_request", {}, "control")).status, "ok");
      const { stdout } = await running.done;
      const lines = stdout.split("\n");
      assert.equal(lines.pop(), "");
      assert.equal(lines.length, count);
      assert.equal(
        lines.findIndex((line, i) => line !== `line ${i}`),
        -1,
      );
    });
  }

  test("one output of 20 MB arrives whole", async () => {
    const { stdout } = await kernel.execute(
      `console.log(Array.from({ length: 2_000_000 }, (_, i) => String(i).padStart(9, "0")).join("\\n"))`,
    );
    assert.equal(stdout.length, 20_000_000);
    assert.ok(stdout.startsWith("000000000\n000000001\n") && stdout.endsWith("\n001999999\n"));
  });

  test("a displayed value of 20 MB arrives whole", async () => {
    const { messages } = await kernel.execute(`display({ "text/plain": "x".repeat(20_000_000) + "end" })`);
    const { data } = messages.find((m) => m.header.msg_type === "display_data")!.content as {
      data: { "text/plain": string };
    };
    assert.equal(data["text/plain"].length, 20_000_003);
    assert.ok(data["text/plain"].endsWith("end"));
  });

  test("streams and displays keep their order", async () => {
    const { messages } = await kernel.execute(
      `for (let i = 0; i < 300; i++) { console.log(i); console.error(i); display({ "text/plain": String(i) }); }`,
    );
    const told = messages
      .filter((m) => m.header.msg_type !== "execute_input")
      .map((m) => String(m.content.text ?? (m.content.data as Record<string, string>)["text/plain"]).trim());
    assert.deepEqual(
      told,
      Array.from({ length: 900 }, (_, i) => String(Math.floor(i / 3))),
    );
  });

  for (const print of [`console.log("x".repeat(1000) + i++)`, `display({ "text/plain": "y".repeat(100) + i++ })`]) {
    test(`a cell that does nothing but ${print.slice(0, 7)} is interrupted, and its output ends`, async () => {
      const before = residentMegabytes(kernel.process.pid!);
      const running = kernel.send(`let i = 0; while (true) ${print}`);
      await kernel.until(() => running.messages.length > 300);
      await kernel.interrupt();
      const { reply } = await running.done;
      assert.equal(reply.ename, "KernelInterrupt");
      const now = residentMegabytes(kernel.process.pid!);
      if (before !== undefined && now !== undefined) assert.ok(now - before < 200, `${before} MB became ${now} MB`);
      assert.equal((await kernel.execute("1 + 1")).result, "2");
    });
  }
});
