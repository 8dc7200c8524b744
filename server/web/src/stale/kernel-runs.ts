import type { ISessionContext } from "@jupyterlab/apputils";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { type ISignal, Signal } from "@lumino/signaling";
import { type CellRunRecord, type CellRunsSnapshot, cellRunsTarget } from "../../../../kernel/protocol/cellRuns.ts";

/**
 * What the kernel of a document remembers of its cells' runs, kept up to date whoever runs them. Empty for kernels that
 * remember nothing.
 */
export class KernelRuns {
  readonly #context: ISessionContext;
  readonly #changed = new Signal<this, void>(this);
  #session = 0;
  #runs = new Map<string, CellRunRecord>();

  constructor(context: ISessionContext) {
    this.#context = context;
    context.kernelChanged.connect(this.#follow, this);
    context.connectionStatusChanged.connect(this.#reconnected, this);
    context.statusChanged.connect(this.#forget, this);
    context.iopubMessage.connect(this.#hear, this);
    void this.#follow();
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** The last run of each cell, by cell id. */
  get runs(): ReadonlyMap<string, CellRunRecord> {
    return this.#runs;
  }

  dispose(): void {
    Signal.clearData(this);
  }

  async #follow(): Promise<void> {
    this.#clear(0);
    const kernel = this.#context.session?.kernel;
    if (!kernel) return;
    const { implementation } = await kernel.info;
    // Other kernels would complain of a question that they do not know.
    if (implementation === "cirlab") this.#ask(kernel);
  }

  #reconnected(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    if (status === "connected") void this.#follow();
  }

  #forget(_: ISessionContext, status: KernelMessage.Status): void {
    if (status === "restarting" || status === "autorestarting" || status === "dead") this.#clear(0);
  }

  #ask(kernel: Kernel.IKernelConnection): void {
    if (kernel.isDisposed || kernel !== this.#context.session?.kernel) return;
    const comm = kernel.createComm(cellRunsTarget);
    comm.onMsg = ({ content }) => {
      const { session, runs } = content.data as unknown as CellRunsSnapshot;
      if (session > this.#session) this.#clear(session);
      for (const run of runs) this.#add(run);
      this.#changed.emit();
    };
    comm.open();
  }

  #hear(_: ISessionContext, { header, metadata }: KernelMessage.IMessage): void {
    const run = metadata.cirlab as unknown as CellRunRecord | undefined;
    if (header.msg_type !== "status" || !run) return;
    this.#add(run);
    this.#changed.emit();
  }

  #add(run: CellRunRecord): void {
    if (run.session < this.#session) return;
    if (run.session > this.#session) this.#clear(run.session);
    if (run.run >= (this.#runs.get(run.cell)?.run ?? 0)) this.#runs.set(run.cell, run);
  }

  #clear(session: number): void {
    this.#session = session;
    if (this.#runs.size === 0) return;
    this.#runs = new Map();
    this.#changed.emit();
  }
}
