/**
 * Child process: Pyodide as it comes, without any hardening, that speaks a lane's protocol on descriptor 3. The self-test
 * must not let it pass.
 */
import fs from "node:fs";
import { createInterface } from "node:readline";
import { loadPyodide } from "pyodide";

const send = (reply: object): void => {
  fs.writeSync(3, `${JSON.stringify(reply)}\n`);
};
const python = await loadPyodide();
let id = 0;
python.setStdout({ batched: (text) => send({ id, out: Buffer.from(`${text}\n`).toString("base64") }) });
send({ ready: true, version: "3.14" });
for await (const line of createInterface({ input: fs.createReadStream("", { fd: 3 }) })) {
  const request = JSON.parse(line) as { id: number; code: string };
  id = request.id;
  python.runPython(request.code);
  send({ id, done: "report", report: '{"exitCode":0,"error":null,"value":null}', reusable: true });
}
