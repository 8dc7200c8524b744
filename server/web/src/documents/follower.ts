import { CodeCell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import { OutputAreaModel } from "@jupyterlab/outputarea";
import { type Kernel, KernelMessage } from "@jupyterlab/services";
import { JSONExt, type PartialJSONValue } from "@lumino/coreutils";
import { endRun, followRun, showOutputs, showSinceGap, shows } from "./foreign-run.ts";
import { cellCleared, cellStarted, type FollowedCell, followRequest } from "./protocol.ts";

/**
 * Shows in a notebook what cells put out that this page did not start: those that ran while no page was open, and those
 * that another tab runs.
 */
export class Follower {
  readonly #panel: NotebookPanel;
  /** Cells ran elsewhere that this page does not have yet. */
  #isBehind = false;

  constructor(panel: NotebookPanel) {
    this.#panel = panel;
    const { sessionContext } = panel.context;
    sessionContext.connectionStatusChanged.connect((_, status) => {
      if (status === "connected") this.ask();
    });
    sessionContext.iopubMessage.connect((_, message) => {
      if ((message.header.msg_type as string) === cellStarted) this.#started(message.content as never);
    });
    panel.context.pathChanged.connect(() => this.ask());
    void panel.context.ready.then(() => this.ask());
  }

  /** Asks the server for what runs; its answer and everything after it is shown. What is shown already stays. */
  ask(): void {
    const kernel = this.#kernel;
    if (kernel?.connectionStatus !== "connected" || !this.#panel.context.isReady) return;
    this.#isBehind = false;
    const future = kernel.sendControlMessage(
      this.#message(kernel, followRequest, { path: this.#panel.context.localPath }),
      true,
      false,
    );
    future.onReply = async ({ content }) => {
      // The client handles no further message until this is done: nothing is lost or doubled in between.
      for (const run of (content as unknown as { cells: FollowedCell[] }).cells) await this.#take(kernel, run);
      future.dispose();
    };
    future.done.catch(() => undefined);
  }

  /** After the file brought cells: what runs in them is followed. */
  catchUp(): void {
    if (this.#isBehind) this.ask();
  }

  /** Tells that a person cleared cells here: what was cleared does not come back. */
  cleared(cellIds: readonly string[]): void {
    const kernel = this.#kernel;
    if (kernel?.connectionStatus !== "connected") return;
    for (const cell_id of cellIds)
      kernel
        .sendControlMessage(this.#message(kernel, cellCleared, { cell_id }), false, true)
        .done.catch(() => undefined);
  }

  get #kernel(): Kernel.IKernelConnection | null | undefined {
    return this.#panel.context.sessionContext.session?.kernel;
  }

  #cell(id: string): CodeCell | undefined {
    return this.#panel.content.widgets.find((cell) => cell.model.id === id && cell instanceof CodeCell) as
      | CodeCell
      | undefined;
  }

  async #take(kernel: Kernel.IKernelConnection, run: FollowedCell): Promise<void> {
    const cell = this.#cell(run.cell_id);
    if (!cell) {
      this.#isBehind = true;
      return;
    }
    const isRunningHere = cell.model.executionState === "running";
    const told = new OutputAreaModel({ values: run.outputs, trusted: true }).toJSON();
    const isSame = JSONExt.deepEqual(cell.model.outputs.toJSON() as PartialJSONValue, told as PartialJSONValue);
    if (shows(cell, run.message_id)) {
      if (run.gap !== null) showSinceGap(cell, run, run.gap);
      else if (!isSame) showOutputs(cell, run);
      if (isRunningHere && run.state === "ended") await endRun(cell, run);
      return;
    }
    // A newer run of this page: the server will hear of it, or just has.
    if (isRunningHere && cell.outputArea.future && !cell.outputArea.future.isDisposed) return;
    if (run.state === "ended" && !run.unsaved && !isSame) return;
    if (run.state !== "ended" || run.unsaved) showOutputs(cell, run);
    followRun(cell, kernel, run);
    if (run.state === "ended") cell.model.executionCount = run.execution_count;
  }

  #started({ message_id, cell_id }: { message_id: string; cell_id: string }): void {
    const kernel = this.#kernel;
    const cell = this.#cell(cell_id);
    if (!cell) this.#isBehind = true;
    if (!cell || !kernel || shows(cell, message_id)) return;
    cell.model.clearExecution();
    cell.model.trusted = true;
    followRun(cell, kernel, {
      message_id,
      cell_id,
      state: "waiting",
      unsaved: true,
      execution_count: null,
      outputs: [],
      displays: [],
      clear_next: false,
      timing: null,
      gap: null,
      input_request: null,
      reply: null,
    });
  }

  #message(kernel: Kernel.IKernelConnection, type: string, content: object): KernelMessage.IControlMessage {
    return KernelMessage.createMessage({
      channel: "control",
      msgType: type,
      session: kernel.clientId,
      username: kernel.username,
      content,
    } as never) as unknown as KernelMessage.IControlMessage;
  }
}
