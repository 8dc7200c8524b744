import { inspect } from "node:util";
import type { Host } from "./host.ts";
import type { Modules } from "./modules.ts";
import type { Names } from "./names.ts";
import { runCommand } from "./shell.ts";

/** A name of the notebook as `%who` lists it. */
export interface NameEntry {
  name: string;
  /** `number`, `string`, `function`, `Array`, a class's name, ... */
  kind: string;
  /** The value on one line, shortened. */
  value: string;
}

const maxValue = 60;

/** An answer to the front, not shown as it is. */
const answer = (value: unknown) => ({
  [Symbol.for("Jupyter.display")]: () => ({ "application/json": value }),
});

/** The part of the magics that needs the session's process; the front asks for it by names with a colon. */
export class SessionMagics {
  readonly #host: Host;
  readonly #names: Names;
  readonly #modules: Modules;

  constructor(host: Host, names: Names, modules: Modules) {
    this.#host = host;
    this.#names = names;
    this.#modules = modules;
  }

  /** Runs a magic; what it returns is the cell's result. @throws Error when there is no such magic. */
  async run(name: string, args: string, body: string): Promise<unknown> {
    switch (name) {
      case ":pwd":
        return answer(process.cwd());
      case ":names":
        return answer(this.#list());
      case ":arguments": {
        const before = process.argv.slice(1);
        process.argv = [process.argv[0]!, ...(JSON.parse(args) as string[])];
        return answer(before);
      }
      case ":shell":
        return runCommand(args, this.#host.signal());
    }
    // The lab's own magic: importing the lab registers it.
    if (name === "python" && !this.#host.magics.has(name)) await this.#modules.load("cirlab");
    const magic = this.#host.magics.get(name);
    if (!magic) {
      const known = ["time", "python", ...this.#host.magics.keys()].map((each) => `%%${each}`);
      throw new Error(`There is no %%${name}. Known: ${[...new Set(known)].join(", ")}. %help tells more.`);
    }
    return magic(body, args);
  }

  #list(): NameEntry[] {
    return Object.keys(this.#names.values)
      .filter((name) => !/^(?:\$result$|tsLastExpr)/.test(name))
      .sort()
      .map((name) => entry(name, this.#names.values[name]));
  }
}

function entry(name: string, value: unknown): NameEntry {
  try {
    const text = inspect(value, {
      depth: 0,
      breakLength: Number.POSITIVE_INFINITY,
      maxArrayLength: 8,
      maxStringLength: maxValue,
    });
    const line = text.replace(/\s+/g, " ");
    return { name, kind: kindOf(value), value: line.length > maxValue ? `${line.slice(0, maxValue - 1)}…` : line };
  } catch {
    return { name, kind: typeof value, value: "(cannot be shown)" };
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "function")
    return /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function";
  if (typeof value !== "object") return typeof value;
  const maker: unknown = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor;
  return typeof maker === "function" && maker.name ? maker.name.replace(/^Object$/, "object") : "object";
}
