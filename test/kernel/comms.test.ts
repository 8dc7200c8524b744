import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestKernel } from "./client.ts";
import { type Bundle, cellsOf, startWithApi } from "./shown.ts";

describe("comms", { concurrency: false }, () => {
  let kernel: TestKernel;
  before(async () => {
    kernel = await startWithApi();
  });
  after(() => kernel.stop());
  const { run, text } = cellsOf(() => kernel);

  const toPage = (type: string, id: string) =>
    kernel.until(() => kernel.received.find((m) => m.header.msg_type === type && m.content.comm_id === id));
  const send = async (type: string, content: Bundle, buffers: Uint8Array[] = []) => {
    const message = kernel.client.message(type, content, { buffers });
    await kernel.client.send("shell", message);
    const id = message.header.msg_id;
    await kernel.until(() =>
      kernel.received.find(
        (m) => m.header.msg_type === "status" && m.content.execution_state === "idle" && m.parent_header.msg_id === id,
      ),
    );
    return kernel.received.filter((m) => m.header.msg_type === "stream" && m.parent_header.msg_id === id);
  };

  test("numbers travel both ways as binary buffers; messages before a listener wait for it", async () => {
    const { messages } = await run(`
const comm = openComm("viewer", { rows: 2 }, { metadata: { version: 1 }, buffers: [new Float32Array([1.5, 2.5])] });
comm.send({}, [new DataView(new ArrayBuffer(2)), new ArrayBuffer(3)]);`);
    const [open, sent] = messages.slice(1);
    assert.equal(open!.content.target_name, "viewer");
    assert.deepEqual(open!.metadata, { version: 1 });
    assert.deepEqual(new Float32Array(Uint8Array.from(open!.buffers[0]!).buffer), new Float32Array([1.5, 2.5]));
    assert.deepEqual(
      sent!.buffers.map((b) => b.length),
      [2, 3],
    );
    const comm_id = open!.content.comm_id as string;
    await send("comm_msg", { comm_id, data: 1 }, [Buffer.from([7])]);
    await send("comm_msg", { comm_id, data: 2 });
    await run(
      "const got: unknown[] = []; comm.onMessage((data, buffers) => got.push([data, buffers.map((b) => [...b])]));",
    );
    await send("comm_msg", { comm_id, data: 3 });
    assert.equal(await text("got"), "[ [ 1, [ [ 7 ] ] ], [ 2, [] ], [ 3, [] ] ]");
    await send("comm_close", { comm_id, data: "bye" });
    await run("let goodbye: unknown; comm.onClose((data) => { goodbye = data; }); comm.send(1); comm.close();");
    assert.equal(await text("[comm.isClosed, goodbye]"), "[ true, 'bye' ]");
    assert.ok(!kernel.received.some((m) => m.header.msg_type === "comm_close" && m.content.comm_id === comm_id));
  });

  test("a listener that throws is told under the page's message; the others hear it all the same", async () => {
    await run(`
const heard: unknown[] = [];
registerTarget("fragile", (comm, data) => {
if (data === "refuse") throw new Error("not today");
comm.onMessage(() => { throw new Error("deaf"); });
comm.onMessage((data) => heard.push(data));
});`);
    await send("comm_open", { comm_id: "f1", target_name: "fragile", data: {} });
    const printed = await send("comm_msg", { comm_id: "f1", data: 5 });
    assert.match(String(printed[0]!.content.text), /deaf/);
    assert.equal(await text("heard"), "[ 5 ]");
    const refusal = await send("comm_open", { comm_id: "f2", target_name: "fragile", data: "refuse" });
    assert.match(String(refusal[0]!.content.text), /not today/);
    await toPage("comm_close", "f2");
  });

  test("a listener that does not end is interrupted, also inside a built-in loop", async () => {
    await run(`
registerTarget("endless", (comm, data) => {
console.log("spins");
if (data === "loop") while (true) {}
Array.from({ length: 1e9 }, (_, i) => i).sort();
});`);
    for (const how of ["loop", "built in"]) {
      const content = { comm_id: how, target_name: "endless", data: how };
      const message = kernel.client.message("comm_open", content);
      await kernel.client.send("shell", message);
      const said = (text: RegExp) =>
        kernel.until(() =>
          kernel.received.some(
            (m) => m.parent_header.msg_id === message.header.msg_id && text.test(String(m.content.text)),
          ),
        );
      await said(/spins/);
      await kernel.interrupt();
      await said(/KernelInterrupt/);
      await toPage("comm_close", how);
      assert.equal(await text("heard"), "[ 5 ]");
    }
  });

  test("a cell closes its comm: the page is told once", async () => {
    const { messages } = await run(
      `const short = openComm("x"); short.close({ why: 1 }); short.close(); short.send(2);`,
    );
    assert.deepEqual(
      messages.slice(1).map((m) => m.header.msg_type),
      ["comm_open", "comm_close"],
    );
    assert.deepEqual(messages[2]!.content.data, { why: 1 });
  });
});
