import type { IPty } from "@lydell/node-pty";
import type { WebSocket } from "ws";
import { z } from "zod";
import { heartbeat } from "../sockets.ts";
import { Scrollback } from "./scrollback.ts";

/** A terminal as Jupyter's API describes it. */
export interface TerminalModel {
  name: string;
  /** ISO 8601. */
  last_activity: string;
}

/** What a page sends: the kind of message, then its values. */
const messageSchema = z.union([
  z.tuple([z.literal("stdin"), z.string()]).rest(z.unknown()),
  z.tuple([z.literal("set_size"), z.int().min(0), z.int().min(0)]).rest(z.unknown()),
]);

/** Bytes that may wait for a slow page; beyond them the program in the terminal has to wait. */
const maxWaiting = 2 ** 20;
/** How long a shell may take to end by itself when it is told that its terminal is gone. */
const hangupGraceMs = 1500;
const maxSize = 1000;

/** A shell in a pseudo-terminal, and the pages that show it. */
export class Terminal {
  readonly name: string;
  /** Settles when the shell has ended. */
  readonly ended: Promise<void>;
  readonly #pty: IPty;
  readonly #scrollback = new Scrollback();
  /** The pages, each with the size that it can show. */
  readonly #clients = new Map<WebSocket, { rows: number; cols: number } | undefined>();
  #lastActivity = new Date();
  #isPaused = false;
  #isEnded = false;

  constructor(name: string, pty: IPty) {
    this.name = name;
    this.#pty = pty;
    pty.onData((text) => {
      this.#lastActivity = new Date();
      this.#scrollback.add(text);
      const message = JSON.stringify(["stdout", text]);
      for (const socket of this.#clients.keys()) socket.send(message, () => this.#flow());
      this.#flow();
    });
    this.ended = new Promise((resolve) => {
      pty.onExit(() => {
        this.#isEnded = true;
        for (const socket of this.#clients.keys()) {
          socket.send(JSON.stringify(["disconnect", 1]));
          socket.close(1000, "The shell has ended");
        }
        this.#clients.clear();
        resolve();
      });
    });
  }

  get model(): TerminalModel {
    return { name: this.name, last_activity: this.#lastActivity.toISOString() };
  }

  /** Shows the terminal to a page: first what was written so far, then what comes. */
  connect(socket: WebSocket): void {
    heartbeat(socket);
    socket.send(JSON.stringify(["setup", {}]));
    const { text } = this.#scrollback;
    if (text) socket.send(JSON.stringify(["stdout", text]));
    this.#clients.set(socket, undefined);
    socket.on("message", (data) => {
      try {
        this.#receive(socket, messageSchema.parse(JSON.parse(String(data))));
      } catch {
        // What is no message of a terminal is passed over, as Jupyter does.
      }
    });
    socket.on("close", () => {
      this.#clients.delete(socket);
      this.#resize();
      this.#flow();
    });
  }

  /** Ends the shell and what runs in it: as when a terminal's window is closed, then by force. */
  async close(): Promise<void> {
    if (this.#isEnded) return;
    this.#signal("SIGHUP");
    const timer = setTimeout(() => this.#signal("SIGKILL"), hangupGraceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #receive(socket: WebSocket, [kind, ...values]: z.infer<typeof messageSchema>): void {
    if (this.#isEnded) return;
    this.#lastActivity = new Date();
    if (kind === "stdin") {
      this.#pty.write(values[0] as string);
      return;
    }
    const [rows, cols] = values as [number, number];
    if (rows < 1 || cols < 1) return;
    this.#clients.set(socket, { rows: Math.min(rows, maxSize), cols: Math.min(cols, maxSize) });
    this.#resize();
  }

  /** The smallest page decides, so that every page shows all. */
  #resize(): void {
    const sizes = [...this.#clients.values()].filter((size) => size !== undefined);
    if (!sizes.length || this.#isEnded) return;
    const rows = Math.min(...sizes.map((size) => size.rows));
    const cols = Math.min(...sizes.map((size) => size.cols));
    if (rows !== this.#pty.rows || cols !== this.#pty.cols) this.#pty.resize(cols, rows);
  }

  /** Holds the program up while a page lags behind, as a terminal does. */
  #flow(): void {
    const isFull = [...this.#clients.keys()].some((socket) => socket.bufferedAmount > maxWaiting);
    if (isFull === this.#isPaused || this.#isEnded) return;
    this.#isPaused = isFull;
    if (isFull) this.#pty.pause();
    else this.#pty.resume();
  }

  #signal(signal: "SIGHUP" | "SIGKILL"): void {
    if (process.platform === "win32") {
      this.#pty.kill();
      return;
    }
    try {
      // The shell leads its process group; a shell that is held up could not hear that it is to end.
      process.kill(-this.#pty.pid, signal);
      process.kill(-this.#pty.pid, "SIGCONT");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
