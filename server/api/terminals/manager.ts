import { stat } from "node:fs/promises";
import { parsePath, type RootFolder } from "../contents/paths.ts";
import { HttpError } from "../errors.ts";
import type { SpawnPty } from "./pty.ts";
import { Terminal } from "./terminal.ts";

export interface StartTerminal {
  /** A name of the caller's choice; the lowest free number by default. */
  name?: string | null | undefined;
  /** Folder of the API in which the shell starts; the served folder by default, or when there is none such. */
  cwd?: string | null | undefined;
}

/** The terminals of the server by name. */
export class TerminalManager {
  readonly #root: RootFolder;
  readonly #spawn: SpawnPty | undefined;
  readonly #terminals = new Map<string, Terminal>();
  #isClosed = false;

  /** @param spawn starts a program in a pseudo-terminal; undefined where there are none. */
  constructor(root: RootFolder, spawn: SpawnPty | undefined) {
    this.#root = root;
    this.#spawn = spawn;
  }

  get isAvailable(): boolean {
    return this.#spawn !== undefined;
  }

  list(): Terminal[] {
    return [...this.#terminals.values()];
  }

  find(name: string): Terminal | undefined {
    return this.#terminals.get(name);
  }

  /** @throws HttpError 404. */
  get(name: string): Terminal {
    const terminal = this.find(name);
    if (!terminal) throw new HttpError(404, `Terminal not found: ${name}`);
    return terminal;
  }

  /**
   * Starts a shell, or returns the terminal that has the name already: a page that is restored asks for its own.
   *
   * @throws HttpError 404 where there are no terminals, 500 when the shell cannot be started.
   */
  async start({ name, cwd }: StartTerminal): Promise<Terminal> {
    if (!this.#spawn) throw new HttpError(404, "This server has no terminals.");
    const folder = await this.#folder(cwd ?? "");
    if (this.#isClosed) throw new HttpError(503, "The server is stopping");
    const chosen = name ?? this.#freeName();
    const known = this.find(chosen);
    if (known) return known;
    const [program, ...args] = shell();
    let terminal: Terminal;
    try {
      terminal = new Terminal(
        chosen,
        this.#spawn(program!, args, { name: "xterm-256color", cols: 80, rows: 24, cwd: folder, env: environment() }),
      );
    } catch (error) {
      throw new HttpError(500, `The shell ${program} cannot be started: ${(error as Error).message}`);
    }
    this.#terminals.set(chosen, terminal);
    void terminal.ended.then(() => this.#terminals.delete(chosen));
    return terminal;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.list().map((terminal) => terminal.close()));
  }

  #freeName(): string {
    let number = 1;
    while (this.#terminals.has(String(number))) number++;
    return String(number);
  }

  async #folder(cwd: string): Promise<string> {
    try {
      const real = await this.#root.locate(parsePath(cwd));
      return (await stat(real)).isDirectory() ? real : this.#root.path;
    } catch {
      return this.#root.path;
    }
  }
}

/** The user's shell. One that no terminal started reads the user's profile first, which nothing else did. */
function shell(): string[] {
  if (process.platform === "win32") return ["powershell.exe"];
  return [process.env.SHELL || "/bin/sh", ...(process.stdin.isTTY ? [] : ["-l"])];
}

/** The server's environment without what describes the terminal that the server itself runs in. */
function environment(): Record<string, string> {
  const { COLUMNS: _columns, LINES: _lines, TERM_PROGRAM: _program, ...rest } = process.env;
  const known = Object.entries({ ...rest, COLORTERM: "truecolor" }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Record<string, string>;
}
