// The session process: cells run here, on the main thread.
import { join } from "node:path";
import vm from "node:vm";
import type { ConvertedCell } from "../compiler/cellCompiler.ts";
import { AsyncDriver } from "./asyncDriver.ts";
import type { Cell } from "./cell.ts";
import { CellCode } from "./cellCode.ts";
import { Cells } from "./cells.ts";
import { DebugAccess } from "./debug/access.ts";
import { bundleOf } from "./display.ts";
import { emit } from "./emit.ts";
import { mapStackTraces, registerScript } from "./errors.ts";
import { adaptGlobals } from "./globals.ts";
import { Host, tslabModule } from "./host.ts";
import { SessionMagics } from "./magics.ts";
import { ModuleFiles } from "./moduleFiles.ts";
import { importMeta, Modules } from "./modules.ts";
import { Names } from "./names.ts";
import { settle } from "./settle.ts";
import { reportStrayErrors } from "./stray.ts";
import { timed } from "./timing.ts";
import type { CellOutcome, ToSession } from "./wire.ts";

const cells = new Cells();
const names = new Names();
const moduleFiles = new ModuleFiles();
const cellCode = new CellCode(names, moduleFiles);
const host = new Host(cells, cellCode);
const debugAccess = new DebugAccess(names);

const driver = new AsyncDriver(cells);

/** What the compiler's code calls. */
const kernel = {
  async: driver.call,
  resumed: driver.resumed,
  iteration: driver.iteration,
  flag: cells.flag,
  checkLoop: () => cells.checkLoop(),
  checkAwait: <T>(value: T) => cells.checkAwait(value),
  constant: names.constant,
  declared: names.declared,
  has: names.has,
  read: names.read,
  module: (specifier: string) => modules.namespace(specifier),
  // A type that is imported without saying so has no value.
  pick: (namespace: Record<string, unknown>, name: string) => namespace[name],
};
const modules = new Modules(kernel, { tslab: tslabModule(host) }, (path) => debugAccess.ready(path));

const magics = new SessionMagics(host, names, modules);

const parameters = "exports, require, __kernel, __load, __meta";

async function runCell(cell: Cell, label: string, converted: ConvertedCell, source: string): Promise<CellOutcome> {
  moduleFiles.add(converted.sideModules);
  cellCode.add(converted);
  registerScript(label, { source, positions: converted.positions });
  await modules.addSources(converted.sideModules);
  await modules.preload(converted.imports);
  const script = new vm.Script(
    `(function${converted.isAsync ? "*" : ""} (${parameters}) {"use strict";\n${converted.javascript}\n})`,
    { filename: label, lineOffset: -1 },
  );
  const body = script.runInThisContext() as (...args: unknown[]) => Generator;
  if (debugAccess.isAttached) await debugAccess.ready(label);
  cell.definedNames = names.watch(converted.names);
  const meta = importMeta(join(process.cwd(), `${label}.ts`));
  const args = [names.values, modules.require, kernel, modules.load, meta];
  if (converted.isAsync) await driver.call(undefined, args, body as never);
  else cells.guarded(() => body(...args));
  if (converted.resultName === undefined) return { status: "ok" };
  const value = names.take(converted.resultName);
  return withResult(converted.hidesResult ? undefined : value);
}

async function withResult(value: unknown): Promise<CellOutcome> {
  if (value === undefined) return { status: "ok" };
  const data = await cells.guarded(() => bundleOf(value));
  return Object.keys(data).length === 0 ? { status: "ok" } : { status: "ok", result: { data, metadata: {} } };
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
      cells.start(message, (cell) => {
        const run = () => host.afterHeld(cell, runCell(cell, message.label, message.cell, message.source));
        return message.timed ? timed(run, (error) => cells.outcomeOf(cell, error)) : run();
      });
      return;
    case "magic":
      cells.start(message, (cell) =>
        host.afterHeld(
          cell,
          cells.guarded(() => magics.run(message.name, message.args, message.body)).then(withResult),
        ),
      );
      return;
    case "interrupt":
      cells.interruptRun(message.id);
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

reportStrayErrors(cells);
process.on("message", receive);
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
mapStackTraces();
const endProcess = adaptGlobals(cells, host);
emit({ type: "ready" });
