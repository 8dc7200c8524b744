import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { it, type TestContext } from "node:test";
import WebSocket, { WebSocketServer } from "ws";
import { createMessage } from "../../kernel/protocol/index.ts";
import { KernelClients } from "../../server/api/kernels/clients.ts";
import type { ChannelMessage } from "../../server/api/kernels/wire.ts";
import { until } from "../until.ts";

interface Line {
  /** The server's end. */
  near: WebSocket;
  /** Texts of the streams, and ids of what the replies answer, as they come out at the client's end. */
  heard: string[];
}

/** Connects websockets of this process to each other. */
async function exchange(t: TestContext): Promise<() => Promise<Line>> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const ends: WebSocket[] = [];
  t.after(() => {
    for (const end of ends) end.terminate();
    server.close();
  });
  return async () => {
    const accepted = once(server, "connection") as Promise<[WebSocket]>;
    const far = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const heard: string[] = [];
    far.on("message", (data) => {
      const { content, parent_header } = JSON.parse(String(data)) as ChannelMessage;
      heard.push(String(content.text ?? parent_header.msg_id));
    });
    const [near] = await accepted;
    ends.push(near, far);
    return { near, heard };
  };
}

const of = { session: "s", username: "u" };
const request = (type: string): ChannelMessage => ({
  ...createMessage(type, {}, { ...of, channel: "shell" }),
  channel: "shell",
});

it("a client that is away has the newest 64 MiB kept for it", async (t) => {
  const connect = await exchange(t);
  const clients = new KernelClients();
  const first = await connect();
  clients.open("page", first.near);
  first.near.terminate();
  clients.close("page", first.near);
  const filler = "x".repeat(2 ** 20);
  const text = (i: number): string => `${String(i).padStart(3, "0")} ${filler}`;
  for (let i = 0; i < 100; i++)
    clients.deliver(createMessage("stream", { name: "stdout", text: text(i) }, { ...of, channel: "iopub" }));
  const again = await connect();
  clients.open("page", again.near);
  await until(() => again.heard.at(-1)?.startsWith("099 "));
  // A message is a little longer than its text.
  assert.deepEqual(
    again.heard.map((each) => Number(each.slice(0, 3))),
    Array.from({ length: 63 }, (_, i) => 37 + i),
  );
});

it("what has no answer is not remembered as if one could come", async (t) => {
  const connect = await exchange(t);
  const clients = new KernelClients();
  const { near, heard } = await connect();
  clients.open("page", near);
  const [told, asked] = [request("comm_msg"), request("kernel_info_request")];
  for (const parent of [told, asked]) {
    clients.asked("page", parent);
    clients.deliver(createMessage("reply", {}, { ...of, channel: "shell", parent }));
  }
  await until(() => heard.includes(asked.header.msg_id));
  assert.deepEqual(heard, [asked.header.msg_id]);
});
