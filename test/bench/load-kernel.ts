// A kernel that only prints: `node load-kernel.js <connection file>`. What stands in a cell is how many stream messages
// it publishes, as fast as it can, so that servers are measured and not kernels.
import { Sockets } from "../../kernel/front/sockets.ts";
import { readConnectionFile } from "../../kernel/protocol/index.ts";

const sockets: Sockets = new Sockets(() => undefined);
const answers: Readonly<Record<string, Record<string, unknown>>> = {
  kernel_info: {
    ...{ status: "ok", protocol_version: "5.3", implementation: "load", implementation_version: "1", banner: "" },
    language_info: { name: "none", version: "1", mimetype: "text/plain", file_extension: ".txt" },
  },
  comm_info: { status: "ok", comms: {} },
  shutdown: { status: "ok", restart: false },
};

await sockets.open(readConnectionFile(process.argv[2]!), (request) => {
  const { message } = request;
  const type = message.header.msg_type.replace(/_request$/, "");
  sockets.publish("status", { execution_state: "busy" }, message);
  if (type === "execute") {
    const text = `${"a line of output ".repeat(5)}\n`;
    for (let i = Number(message.content.code); i > 0; i--) sockets.publish("stream", { name: "stdout", text }, message);
    const content = { status: "ok", execution_count: 1, payload: [], user_expressions: {} };
    sockets.reply(request, "execute_reply", content);
  } else if (answers[type]) {
    sockets.reply(request, `${type}_reply`, answers[type]);
  }
  sockets.publish("status", { execution_state: "idle" }, message);
  if (type === "shutdown") void sockets.close().then(() => process.exit(0));
});
