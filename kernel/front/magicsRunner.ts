import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { NameEntry } from "../session/magics.ts";
import type { CellOutcome, Timing } from "../session/wire.ts";
import type { Compilation } from "./compilation.ts";
import type { LineMagic, ParsedCell } from "./magics.ts";
import { choices, lineMagics, magicsText } from "./magicsTable.ts";
import { typesOf } from "./magicsTypes.ts";

/** What magics do to the kernel. */
export interface MagicContext {
  /** Name of the cell in errors. */
  readonly label: string;
  /** The notebook's compiler and how strict it is. */
  readonly settings: Compilation;
  /** Runs TypeScript as the cell's; `timed` outcomes tell how long it took. */
  runCode(code: string, options: { label: string; timed: boolean }): Promise<CellOutcome>;
  /** Runs a magic in the session. */
  inSession(name: string, args: string, body: string): Promise<CellOutcome>;
  /** Offers text in place of the cell's. */
  setNextInput(text: string): void;
  print(text: string): void;
  /** A new session that knows nothing of the cells before. */
  reset(): Promise<void>;
}

const ok: CellOutcome = { status: "ok" };
/** Larger files, in bytes, are no text for a cell. */
const maxFile = 16 * 1024 * 1024;

/** Runs a cell that has magics: these and the TypeScript between them in the order in which they stand. */
export async function runMagics(parsed: ParsedCell, code: string, context: MagicContext): Promise<CellOutcome> {
  const run = new MagicRun(context, parsed.cell?.name === "time");
  try {
    if (parsed.cell && parsed.cell.name !== "time")
      return await context.inSession(parsed.cell.name, parsed.cell.args, parsed.cell.body);
    return await run.all(parsed, code);
  } catch (error) {
    return failure(error as Error);
  } finally {
    run.tellTime();
  }
}

function failure({ message }: Error): CellOutcome {
  return {
    status: "error",
    interrupted: false,
    ename: "MagicError",
    evalue: message,
    traceback: [`\u001b[31mMagicError\u001b[39m: ${message}`],
  };
}

class MagicRun {
  readonly #context: MagicContext;
  readonly #isTimed: boolean;
  #timing: Timing | undefined;

  constructor(context: MagicContext, isTimed: boolean) {
    this.#context = context;
    this.#isTimed = isTimed;
  }

  async all(parsed: ParsedCell, code: string): Promise<CellOutcome> {
    this.#refuseUnknown(parsed.lines);
    let outcome: CellOutcome = ok;
    let parts = 0;
    let last = 0;
    for (const magic of [...parsed.lines, undefined]) {
      const text = parsed.code.slice(last, magic?.start);
      if (!/^(?:\s|\/\/[^\n]*)*$/.test(text)) {
        const isWhole = magic === undefined && parts === 0;
        const label = magic === undefined ? this.#context.label : `${this.#context.label} part ${++parts}`;
        // Line breaks in place of what came before: errors tell the cell's own lines.
        const padded = isWhole ? parsed.code : "\n".repeat(linesBefore(parsed.code, last)) + text;
        outcome = await this.#code(padded, label, this.#isTimed);
        if (outcome.status === "error") return outcome;
      }
      if (!magic) break;
      last = magic.end;
      outcome = await this.#line(magic, code, parts);
      if (outcome.status === "error") return outcome;
      if (magic.name === "time") parts++;
    }
    return outcome;
  }

  /** Told once for all that was timed. */
  tellTime(): void {
    if (this.#isTimed && this.#timing) this.#context.print(timeText(this.#timing));
  }

  #refuseUnknown(lines: readonly LineMagic[]): void {
    for (const { name, line } of lines) {
      if (name === "!" && process.env.CIRLAB_SHELL !== "1") {
        throw new Error(
          `Line ${line + 1}: "!" runs a shell command, which is not enabled. Start the kernel with CIRLAB_SHELL=1 in its environment, or use node:child_process.`,
        );
      }
      if (name !== "!" && !Object.hasOwn(lineMagics, name)) {
        const known = Object.keys(lineMagics).map((each) => `%${each}`);
        throw new Error(`Line ${line + 1}: there is no %${name}. Known: ${known.join(", ")}; %help tells more.`);
      }
    }
  }

  async #code(code: string, label: string, timed: boolean): Promise<CellOutcome> {
    const outcome = await this.#context.runCode(code, { label, timed });
    if (outcome.timing) {
      const { wallMs, userMs, systemMs } = this.#timing ?? { wallMs: 0, userMs: 0, systemMs: 0 };
      const { timing } = outcome;
      this.#timing = {
        wallMs: wallMs + timing.wallMs,
        userMs: userMs + timing.userMs,
        systemMs: systemMs + timing.systemMs,
      };
    }
    return outcome;
  }

  async #line(magic: LineMagic, code: string, parts: number): Promise<CellOutcome> {
    const { name, args } = magic;
    const context = this.#context;
    switch (name) {
      case "!":
        return context.inSession(":shell", args, "");
      case "time": {
        if (!args) throw new Error("%time needs a statement: %time await train()");
        const column = magic.argsStart - magic.start;
        const statement = "\n".repeat(magic.line) + " ".repeat(column) + code.slice(magic.argsStart, magic.end);
        const outcome = await context.runCode(statement, { label: `${context.label} part ${parts + 1}`, timed: true });
        if (outcome.timing) context.print(timeText(outcome.timing));
        return outcome;
      }
      case "pwd":
        context.print(`${await this.#ask<string>(":pwd")}\n`);
        return ok;
      case "who":
        return this.#who(args);
      case "load":
        context.setNextInput((await this.#file(args, "%load")).text);
        return ok;
      case "run":
        return this.#runFile(args);
      case "reset":
        if (args && args !== "-f") throw new Error(`%reset takes no "${args}".`);
        await context.reset();
        return ok;
      case "check":
        if (!args) context.print(`${context.settings.checkMode}\n`);
        else context.settings.checkMode = oneOf(args, choices.check, "%check");
        return ok;
      case "compiler":
        if (!args) context.print(`${context.settings.compilerName}\n`);
        else await context.settings.select(oneOf(args, choices.compiler, "%compiler"));
        return ok;
      default:
        context.print(magicsText(process.env.CIRLAB_SHELL === "1"));
        return ok;
    }
  }

  async #who(type: string): Promise<CellOutcome> {
    const all = await this.#ask<NameEntry[]>(":names");
    const shown = type ? all.filter(({ kind }) => kind === type) : all;
    if (shown.length === 0) {
      this.#context.print(type ? `No names of type ${type}.\n` : "No names yet.\n");
      return ok;
    }
    const types = await typesOf(shown, async (code, offset) => {
      const found = await this.#context.settings.compiler.inspect(code, offset, false);
      return found?.signature;
    });
    const width = (texts: string[]) => Math.max(...texts.map((text) => text.length));
    const [names, kinds] = [width(shown.map(({ name }) => name)), width(types)];
    const lines = shown.map(({ name, value }, i) => `${name.padEnd(names)}  ${types[i]!.padEnd(kinds)}  ${value}`);
    this.#context.print(`${lines.map((line) => line.trimEnd()).join("\n")}\n`);
    return ok;
  }

  async #runFile(args: string): Promise<CellOutcome> {
    const [file = "", ...rest] = words(args);
    const { path, text } = await this.#file(file, "%run");
    const before = await this.#ask<string[]>(":arguments", JSON.stringify([path, ...rest]));
    try {
      return await this.#code(text.replace(/^#![^\n]*/, ""), path, this.#isTimed);
    } finally {
      await this.#context.inSession(":arguments", JSON.stringify(before), "");
    }
  }

  async #file(given: string, magic: string): Promise<{ path: string; text: string }> {
    const file = unquoted(given);
    if (!/\.[cm]?[jt]sx?$/.test(file)) throw new Error(`${magic} takes a .ts or .js file, not "${file}".`);
    const path = resolve(await this.#ask<string>(":pwd"), file);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) throw new Error(`${magic}: there is no file ${path}.`);
    if (found.size > maxFile) throw new Error(`${magic}: ${path} is too large for a cell (${found.size} bytes).`);
    return { path, text: await readFile(path, "utf8") };
  }

  /** What the session answers to a question. @throws Error with the session's message. */
  async #ask<T>(name: string, args = ""): Promise<T> {
    const outcome = await this.#context.inSession(name, args, "");
    if (outcome.status === "error") throw new Error(outcome.evalue);
    return outcome.result?.data["application/json"] as T;
  }
}

function linesBefore(code: string, offset: number): number {
  return code.slice(0, offset).split("\n").length - 1;
}

function oneOf<T extends string>(given: string, allowed: readonly T[], magic: string): T {
  const found = allowed.find((each) => each === given);
  if (!found) throw new Error(`${magic} takes ${allowed.join(", ")}, not "${given}".`);
  return found;
}

/** Arguments parted at spaces; quotes keep them together. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain!,
  );
}

const unquoted = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/, "$2");

function timeText({ wallMs, userMs, systemMs }: Timing): string {
  return `CPU times: user ${duration(userMs)}, system ${duration(systemMs)}, total ${duration(userMs + systemMs)}\nWall time: ${duration(wallMs)}\n`;
}

function duration(ms: number): string {
  if (ms >= 60_000) return `${Math.floor(ms / 60_000)} min ${((ms % 60_000) / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${Number(ms.toPrecision(3))} ms` : `${Math.round(ms * 1000)} µs`;
}
