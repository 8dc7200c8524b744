// The session process: cells run here, on the main thread.
import vm from "node:vm";
import type { ConvertedCell } from "../compiler/cellCompiler.ts";
import { type Cell, Cells } from "./cells.ts";
import { bundleOf } from "./display.ts";
import { emit } from "./emit.ts";
import { errorReport, KernelInterrupt, mapStackTraces, registerScript } from "./errors.ts";
import { adaptGlobals } from "./globals.ts";
import { Host, tslabModule } from "./host.ts";
import { Modules } from "./modules.ts";
import { Names } from "./names.ts";
import { settle } from "./settle.ts";
import type { CellOutcome, ToSession } from "./wire.ts";

const cells = new Cells();
const host = new Host(cells);
const names = new Names();

/** What the compiler's code calls. */
const kernel = {
  flag: cells.flag,
  checkLoop: () => cells.checkLoop(),
  checkAwait: <T>(value: T) => cells.checkAwait(value),
};
const modules = new Modules(kernel, { tslab: tslabModule(host) });

const parameters = "exports, require, __kernel, __load";

async function runCell(cell: Cell, label: string, converted: ConvertedCell, source: string): Promise<CellOutcome> {
  registerScript(label, { source, positions: converted.positions });
  modules.addSources(converted.sideModules);
  await modules.preload(converted.imports);
  const script = new vm.Script(
    `(${converted.isAsync ? "async " : ""}function (${parameters}) {\n${converted.javascript}\n})`,
    { filename: label, lineOffset: -1 },
  );
  const body = script.runInThisContext() as (...args: unknown[]) => unknown;
  cell.definedNames = names.watch(converted.names);
  const args = [names.values, modules.require, kernel, modules.load];
  const ended = runInterruptibly(() => body(...args));
  if (converted.isAsync) await ended;
  if (converted.resultName === undefined) return { status: "ok" };
  const value = names.take(converted.resultName);
  return withResult(converted.hidesResult ? undefined : value);
}

/** Calls `run` so that SIGINT ends its synchronous part. */
function runInterruptibly(run: () => unknown): unknown {
  const hidden = globalThis as { __cirlabRun?: () => unknown };
  hidden.__cirlabRun = run;
  try {
    return callHidden.runInThisContext({ breakOnSigint: true });
  } finally {
    delete hidden.__cirlabRun;
  }
}
const callHidden = new vm.Script("globalThis.__cirlabRun()", { filename: "node:cirlab" });

async function withResult(value: unknown): Promise<CellOutcome> {
  if (value === undefined) return { status: "ok" };
  return { status: "ok", result: { data: await bundleOf(value), metadata: {} } };
}

async function runMagic(name: string, args: string, body: string): Promise<CellOutcome> {
  const magic = host.magics.get(name);
  if (!magic) {
    const known = [...host.magics.keys()].map((k) => `%%${k}`).join(", ");
    throw new Error(
      `There is no %%${name}.${known ? ` Known: ${known}.` : ""}${name === "python" ? ' Importing "cirlab" registers it.' : ""}`,
    );
  }
  return withResult(await runInterruptibly(() => magic(body, args)));
}

const receive = (message: ToSession): void => {
  switch (message.type) {
    case "exit":
      endProcess(0);
      return;
    case "settle":
      settle(message.folder, message.env);
      modules.settle(message.folder);
      return;
    case "execute":
      cells.start(message, (cell) => runCell(cell, message.label, message.cell, message.source));
      return;
    case "magic":
      cells.start(message, () => runMagic(message.name, message.args, message.body));
      return;
    case "inputReply":
    case "inputRefused":
      host.answerInput(message);
      return;
    case "comm":
      host.comms.receive(message);
      return;
  }
};

/** An error that no cell caught: told under the cell that it came from. */
function reportStray(error: unknown, what: string): void {
  if (error instanceof KernelInterrupt || cells.here()?.abandoned) return;
  const { traceback } = errorReport(error);
  emit({ type: "stream", id: cells.here()?.id, name: "stderr", text: `${what}: ${traceback.join("\n")}\n` });
}

process.on("uncaughtException", (error) => reportStray(error, "Uncaught"));
process.on("unhandledRejection", (error) => reportStray(error, "Unhandled rejection"));
// The watchdog's SIGINT is for the synchronous part of a cell; elsewhere it must do nothing.
process.on("SIGINT", () => undefined);
process.on("message", receive);
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
mapStackTraces();
const endProcess = adaptGlobals(cells, host);
emit({ type: "ready" });
