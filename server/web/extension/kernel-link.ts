import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { Signal } from "@lumino/signaling";
import type { BrowseAnswers, BrowseQuestion } from "../../../src/live/browse/browser.ts";
import {
  type CommandReply,
  commTarget,
  type FromKernel,
  type FromPage,
  type RunListing,
  type RunUpdate,
  type Subscription,
} from "../../../src/live/messages.ts";
import type { CommandInput } from "../../../src/recording/messages.ts";
import { sentence } from "../src/live/dom.ts";
import type { RunLink } from "../src/live/run-link.ts";
import { runMimeType } from "../src/live/run-renderer.ts";
import type { RunReader } from "../src/runs/api.ts";

/** The kernel says how much of what it sent was taken each time that so much was. */
const takenAtOnce = 10;
const answerWithinMs = 10_000;
/** A step of thousands of rollouts takes a while to read. */
const browseWithinMs = 90_000;

const noNotebook = "open a notebook of the CIR Lab kernel to see its runs";
const notLoaded = "this notebook's kernel has not loaded cirlab yet";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The messages that the kernel answers under their id. */
type Question =
  | { type: "command"; runId: string; command: CommandInput }
  | { type: "browse"; question: BrowseQuestion };

/** Runs as the kernel of a notebook has them, over a comm, so that any Jupyter server will do. */
export class KernelLink implements RunLink, RunReader {
  readonly changed = new Signal<this, void>(this);
  readonly updated = new Signal<this, RunUpdate>(this);
  readonly listed = new Signal<this, readonly RunListing[]>(this);
  readonly isLate = true;
  trouble: string | undefined = noNotebook;
  #kernel: Kernel.IKernelConnection | undefined;
  /** The kernel that was asked for last. */
  #wanted: Kernel.IKernelConnection | undefined;
  #comm: Kernel.IComm | undefined;
  #isWaking = false;
  #taken = 0;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** Turns to another kernel; one that is not ours is passed over, and what was connected stays. */
  async use(kernel: Kernel.IKernelConnection): Promise<void> {
    this.#wanted = kernel;
    const { implementation } = await kernel.info;
    if (implementation !== "cirlab" || kernel.isDisposed || kernel !== this.#wanted || kernel === this.#kernel) return;
    this.#kernel?.iopubMessage.disconnect(this.#heard, this);
    this.#kernel?.statusChanged.disconnect(this.#statusChanged, this);
    this.#kernel?.disposed.disconnect(this.#lost, this);
    if (this.#comm && !this.#comm.isDisposed) this.#comm.close();
    this.#kernel = kernel;
    this.#drop();
    kernel.iopubMessage.connect(this.#heard, this);
    kernel.statusChanged.connect(this.#statusChanged, this);
    kernel.disposed.connect(this.#lost, this);
    this.open();
  }

  /** Asks the kernel, which hangs up where no cell has imported cirlab. */
  open(): void {
    const kernel = this.#kernel;
    if (!kernel || this.#comm || kernel.isDisposed || kernel.status === "dead") return;
    const comm = kernel.createComm(commTarget);
    this.#comm = comm;
    comm.onMsg = ({ content }) => this.#receive(content.data as unknown as FromKernel);
    comm.onClose = () => {
      if (comm === this.#comm) this.#drop();
    };
    comm.open({});
  }

  /** Imports cirlab where no cell has. */
  wake(): void {
    const kernel = this.#kernel;
    if (!kernel || this.trouble === undefined || this.#isWaking || kernel.isDisposed || kernel.status === "dead")
      return;
    this.#isWaking = true;
    const code = 'import "cirlab";';
    const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
    const done = () => {
      this.#isWaking = false;
    };
    // A kernel that starts anew answers no more.
    future.done.then(done, done);
  }

  subscribe(to: string | Subscription): void {
    this.#send({ type: "subscribe", to });
  }

  unsubscribe(runId: string): void {
    this.#send({ type: "unsubscribe", runId });
  }

  command(runId: string, command: CommandInput): Promise<CommandReply> {
    return this.#answerTo({ type: "command", runId, command }, answerWithinMs) as Promise<CommandReply>;
  }

  ask<W extends BrowseQuestion["what"]>(question: Extract<BrowseQuestion, { what: W }>): Promise<BrowseAnswers[W]> {
    return this.#answerTo({ type: "browse", question }, browseWithinMs) as Promise<BrowseAnswers[W]>;
  }

  #answerTo(question: Question, withinMs: number): Promise<unknown> {
    if (this.trouble !== undefined) return Promise.reject(new Error(sentence(this.trouble)));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => waiting.reject(new Error("The kernel does not answer.")), withinMs);
      const settled = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      const waiting: Waiting = {
        resolve(value) {
          settled();
          resolve(value);
        },
        reject(error) {
          settled();
          reject(error);
        },
      };
      this.#waiting.set(id, waiting);
      this.#send({ ...question, id });
    });
  }

  #send(message: FromPage): void {
    this.#comm?.send(message as never);
  }

  #receive(message: FromKernel): void {
    switch (message.type) {
      case "welcome":
        this.#taken = 0;
        this.trouble = undefined;
        this.changed.emit();
        break;
      case "update":
        this.#took();
        this.updated.emit(message.update);
        break;
      case "runs":
        this.#took();
        this.listed.emit(message.runs);
        break;
      case "answer":
        this.#waiting.get(message.id)?.resolve(message.value);
        break;
      case "refusal":
        this.#waiting.get(message.id)?.reject(new Error(message.text));
        break;
    }
  }

  #took(): void {
    this.#taken++;
    if (this.#taken < takenAtOnce) return;
    this.#send({ type: "taken", count: this.#taken });
    this.#taken = 0;
  }

  /** After a cell, and when a run is shown, cirlab may be there. */
  #heard(_: unknown, message: KernelMessage.IIOPubMessage): void {
    if (this.#comm) return;
    const { msg_type: type } = message.header;
    const { msg_type: asked } = message.parent_header as { msg_type?: string };
    const hasEnded = type === "status" && asked === "execute_request";
    const isIdle = hasEnded && (message.content as { execution_state: string }).execution_state === "idle";
    const shows = type === "display_data" || type === "update_display_data";
    const showsRun = shows && runMimeType in (message.content as { data: object }).data;
    if (isIdle || showsRun) this.open();
  }

  #statusChanged(kernel: Kernel.IKernelConnection): void {
    if (["restarting", "autorestarting", "dead"].includes(kernel.status)) this.#drop();
  }

  #lost(): void {
    this.#kernel = undefined;
    this.#drop();
  }

  #drop(): void {
    this.#comm = undefined;
    this.trouble = this.#kernel ? notLoaded : noNotebook;
    for (const { reject } of [...this.#waiting.values()]) reject(new Error(sentence(this.trouble)));
    this.changed.emit();
  }
}
