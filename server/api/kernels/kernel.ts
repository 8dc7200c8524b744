import { setTimeout as wait } from "node:timers/promises";
import type { WebSocket } from "ws";
import { z } from "zod";
import { createMessage, type JupyterMessage } from "../../../kernel/protocol/index.ts";
import { KernelClients } from "./clients.ts";
import type { KernelObserver } from "./observer.ts";
import { deathNote, KernelProcess, type LaunchOptions, type LifeRecord, lifeSchema } from "./process.ts";
import type { ChannelMessage } from "./wire.ts";

export type ExecutionState = "starting" | "idle" | "busy" | "restarting" | "dead";

/** A kernel as Jupyter's API describes it. */
export interface KernelModel {
  id: string;
  name: string;
  /** ISO 8601. */
  last_activity: string;
  execution_state: ExecutionState;
  /** Open websockets. */
  connections: number;
}

/** What another server needs to take a kernel up. */
export const kernelRecordSchema = z.object({
  id: z.string(),
  /** Name of the kernelspec. */
  spec: z.string(),
  cwd: z.string(),
  life: lifeSchema,
});
export type KernelRecord = z.infer<typeof kernelRecordSchema>;

/** Deaths within this time count together; after `maxDeaths` of them the kernel stays dead. */
const deathWindowMs = 5 * 60_000;
const maxDeaths = 5;

/** A kernel for as long as pages know it: it outlives restarts and the death of its process. */
export class Kernel {
  readonly id: string;
  readonly clients = new KernelClients();
  readonly #options: LaunchOptions;
  #life: KernelProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #state: ExecutionState = "starting";
  #lastActivity = new Date();
  /** Requests that the kernel works on now. */
  readonly #busyWith = new Set<string>();
  #deaths: number[] = [];
  /** Whether clients know a process that answered: before that there is no end to tell them of. */
  #isKnown = false;
  #isClosed = false;
  /** The end of the old process and the start of the new one, while they are under way. */
  #restarting: Promise<void> | undefined;
  /** Session in the headers of the kernel's messages. */
  #session: string;
  readonly #observer: KernelObserver;

  /** @param observe makes what follows the kernel's messages. */
  constructor(id: string, options: LaunchOptions, observe: (kernel: Kernel) => KernelObserver) {
    this.id = id;
    this.#session = id;
    this.#options = options;
    this.#observer = observe(this);
  }

  get name(): string {
    return this.#options.spec.name;
  }

  get model(): KernelModel {
    return {
      id: this.id,
      name: this.name,
      last_activity: this.#lastActivity.toISOString(),
      execution_state: this.#state,
      connections: this.clients.connected,
    };
  }

  /** The session of the kernel's last message: what the server says in its name must have the same. */
  get session(): string {
    return this.#session;
  }

  /** Process id of the running kernel. */
  get pid(): number | undefined {
    return this.#life?.pid;
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  /** Starts the process. It may take a moment until the kernel answers: see `ready`. */
  async start(): Promise<void> {
    const life = await KernelProcess.launch(this.#options, (message) => this.#receive(message));
    // Closed meanwhile, or another start came first.
    if (this.#isClosed || this.#life) return life.stop(false);
    this.#busyWith.clear();
    this.#state = "starting";
    this.#live(life, life.ready());
  }

  /** Takes up the running process of an earlier server. Returns false when it has ended. */
  async adopt(record: LifeRecord): Promise<boolean> {
    const life = await KernelProcess.adopt(record, (message) => this.#receive(message));
    if (!life) return false;
    const earlier = "what an earlier server asked for";
    this.#busyWith.add(earlier);
    this.#state = "busy";
    this.#live(life, Promise.resolve());
    // It runs after everything that an earlier server has asked for: then that is over, even if nobody heard so.
    life.client
      .request("shell", "execute_request", { code: "", silent: true, store_history: false, stop_on_error: false })
      .then(() => {
        this.#busyWith.delete(earlier);
        if (this.#state === "busy" && this.#busyWith.size === 0) this.#state = "idle";
        this.#observer.caughtUp();
      })
      .catch(() => undefined);
    return true;
  }

  /** What another server needs to take the kernel up; undefined while no process runs. */
  get record(): KernelRecord | undefined {
    const life = this.#life?.record;
    return life && { id: this.id, spec: this.name, cwd: this.#options.cwd, life };
  }

  /** Lets go of the kernel, which goes on. */
  async release(): Promise<void> {
    this.#isClosed = true;
    const life = this.#life;
    this.#life = undefined;
    life?.release();
    await this.#observer.closed();
  }

  #live(life: KernelProcess, ready: Promise<void>): void {
    this.#life = life;
    this.#observer.lives();
    // Requests wait for `ready`; whether it came is also told by the state, so nobody has to wait.
    this.#ready = ready.then(
      () => {
        this.#isKnown = true;
      },
      () => undefined,
    );
    ready.catch((error: Error) => {
      if (this.#life !== life) return;
      console.error(`Kernel ${this.name}: ${error.message}`);
      life.kill();
    });
    void life.exited.then((how) => {
      if (this.#life === life) void this.#died(deathNote(this.name, life, how));
    });
  }

  /** Settles when the kernel answers (or its start failed). */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Passes a client's message on. What comes before the kernel answers waits for it, in order. */
  async send(sessionId: string, message: ChannelMessage): Promise<void> {
    if (message.channel === "iopub" || this.#observer.intercepts(sessionId, message)) return;
    // A process that ends before it answers is followed by another one, and what waits goes to that.
    for (let ready: Promise<void> | undefined; ready !== this.#ready; ) {
      ready = this.#ready;
      await ready;
    }
    if (this.#isClosed || !this.#life) return;
    this.#lastActivity = new Date();
    this.clients.asked(sessionId, message);
    this.#observer.sent(sessionId, message);
    await this.#life.client.send(message.channel, message);
  }

  async interrupt(): Promise<void> {
    await this.#ready;
    await this.#life?.interrupt();
  }

  /**
   * Ends the process and starts a new one; settles when that answers. Clients stay connected; what they ask meanwhile
   * waits for the new one. Who wants a restart before the new process is there gets the one that is under way.
   */
  async restart(): Promise<void> {
    this.#restarting ??= this.#replace().finally(() => {
      this.#restarting = undefined;
    });
    await this.#restarting;
    await this.#ready;
  }

  async #replace(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#state = "restarting";
    this.#deaths = [];
    const release = this.#holdRequests();
    try {
      await life?.stop(true);
      this.clients.forgetRequests();
      this.#observer.ended();
      await this.start();
      if (!this.#isClosed) this.#announce("starting");
    } catch (error) {
      this.#announce("dead");
      throw error;
    } finally {
      if (this.#life) void this.#ready.then(release);
      else release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const life = this.#life;
    this.#life = undefined;
    this.#state = "dead";
    await life?.stop(false);
    // It ends the process that it has started.
    await this.#restarting?.catch(() => undefined);
    this.#observer.ended();
    this.clients.closeAll();
    await this.#observer.closed();
  }

  /** A client's connection closed. */
  left(sessionId: string, socket: WebSocket): void {
    this.clients.close(sessionId, socket);
    this.#observer.left();
  }

  /** Tells the clients again that the kernel is dead: who comes late has to hear it too. */
  announceDeath(): void {
    this.#announce("dead");
  }

  #receive(message: JupyterMessage): void {
    this.#lastActivity = new Date();
    this.#session = message.header.session;
    if (message.channel === "iopub" && message.header.msg_type === "status") this.#track(message);
    this.#observer.received(message);
    this.clients.deliver(message);
  }

  /** Several requests may run at once (a control request beside a cell): idle is when none does. */
  #track(message: JupyterMessage): void {
    // The process that is about to end answers the request to do so.
    if (this.#state === "restarting") return;
    const parent = message.parent_header.msg_id ?? "";
    const state = message.content.execution_state;
    if (state === "busy") this.#busyWith.add(parent);
    else if (state === "idle") this.#busyWith.delete(parent);
    else return;
    this.#state = this.#busyWith.size ? "busy" : "idle";
  }

  /** Who sends from now on waits for the next process, until what is returned is called. */
  #holdRequests(): () => void {
    let release: () => void = () => undefined;
    this.#ready = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** Tells all clients a state that the kernel itself cannot tell. */
  #announce(state: ExecutionState): void {
    this.#state = state;
    this.clients.deliver(
      createMessage("status", { execution_state: state }, { session: this.id, username: "server", channel: "iopub" }),
    );
  }

  async #died(note: string): Promise<void> {
    console.error(note);
    this.#life = undefined;
    this.clients.forgetRequests();
    this.#observer.ended();
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => at > now - deathWindowMs), now];
    if (this.#deaths.length > maxDeaths) return this.#announce("dead");
    const release = this.#holdRequests();
    // One that never answered (its ports may have been taken meanwhile) is replaced without a word.
    if (this.#isKnown) this.#announce("restarting");
    const deaths = this.#deaths.length;
    if (deaths > 1) await wait(500 * 2 ** (deaths - 2), undefined, { ref: false });
    try {
      if (!this.#isClosed && !this.#life && !this.#restarting) {
        await this.start();
        await this.#ready;
      }
    } catch (error) {
      console.error(error);
      this.#announce("dead");
    } finally {
      release();
    }
  }
}
