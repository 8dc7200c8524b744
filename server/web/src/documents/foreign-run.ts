import type { CodeCell } from "@jupyterlab/cells";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { KernelShellFutureHandler } from "@jupyterlab/services/lib/kernel/future";
import type { FollowedCell } from "./protocol.ts";

type Future = KernelShellFutureHandler<KernelMessage.IExecuteRequestMsg, KernelMessage.IExecuteReplyMsg>;

/** What the client keeps to find the cell of a message; it has no public way to take up another client's request. */
interface KernelInside {
  _futures: Map<string, unknown>;
  _displayIdToParentIds: Map<string, string[]>;
  _msgIdToDisplayIds: Map<string, string[]>;
}

/** Where the display ids of an output area stand. */
interface AreaInside {
  _displayIdMap: Map<string, number[]>;
}

/** Whether a cell shows the run of a request, its own or another client's. */
export function shows(cell: CodeCell, messageId: string): boolean {
  const { future } = cell.outputArea;
  return future !== undefined && future !== null && !future.isDisposed && future.msg.header.msg_id === messageId;
}

/** Shows a run's outputs so far, in place of the cell's. */
export function showOutputs(cell: CodeCell, run: FollowedCell): void {
  const { outputs } = cell.model;
  outputs.fromJSON(run.outputs);
  if (run.clear_next) outputs.clear(true);
  (cell.outputArea as unknown as AreaInside)._displayIdMap = new Map(run.displays);
  cell.model.trusted = true;
}

/**
 * Makes a cell follow a run that another client asked for: from now on messages with the request as their parent go to
 * the cell, as if this page had run it.
 */
export function followRun(cell: CodeCell, kernel: Kernel.IKernelConnection, run: FollowedCell): void {
  const id = run.message_id;
  const future = register(kernel, id);
  let count = run.execution_count;
  future.registerMessageHook((message) => {
    const { header, content } = message;
    if (header.msg_type === "execute_input") count = (content as { execution_count: number }).execution_count;
    if (run.timing && (header.msg_type === "execute_input" || header.msg_type === "status"))
      noteTiming(cell, header.msg_type, content, header.date);
    return true;
  });
  cell.outputArea.reattachFuture(future);
  for (const [displayId] of run.displays) noteDisplay(kernel, displayId, id);
  if (run.state === "ended") return;
  cell.model.executionCount = null;
  cell.model.executionState = "running";
  const isMine = (): boolean => !cell.isDisposed && cell.outputArea.future === future;
  future.done.then(
    () => {
      if (!isMine()) return;
      cell.model.executionState = "idle";
      cell.model.executionCount = count;
    },
    () => {
      // The kernel was restarted, or the cell runs anew.
      if (isMine()) cell.model.executionState = "idle";
    },
  );
  if (run.input_request) void future.handleMsg(run.input_request);
}

/** Tells a run of this page how it ended, when the messages that said so were lost with a server that stopped. */
export async function endRun(cell: CodeCell, run: FollowedCell): Promise<void> {
  const future = cell.outputArea.future as unknown as Future;
  const header = future.msg as KernelMessage.IShellMessage;
  if (run.reply) await future.handleMsg(run.reply);
  await future.handleMsg({
    ...header,
    channel: "iopub",
    parent_header: header.header,
    header: { ...header.header, msg_type: "status" },
    content: { execution_state: "idle" },
    metadata: {},
  } as KernelMessage.IStatusMsg);
}

function register(kernel: Kernel.IKernelConnection, id: string): Future {
  const inside = kernel as unknown as KernelInside;
  const request = {
    channel: "shell",
    header: { msg_id: id, msg_type: "execute_request" },
    parent_header: {},
    metadata: {},
    content: {},
  } as unknown as KernelMessage.IExecuteRequestMsg;
  const forget = (): void => {
    inside._futures.delete(id);
    for (const displayId of inside._msgIdToDisplayIds.get(id) ?? []) {
      const parents = (inside._displayIdToParentIds.get(displayId) ?? []).filter((parent) => parent !== id);
      if (parents.length > 0) inside._displayIdToParentIds.set(displayId, parents);
      else inside._displayIdToParentIds.delete(displayId);
    }
    inside._msgIdToDisplayIds.delete(id);
  };
  const future: Future = new KernelShellFutureHandler(
    forget,
    request,
    // The reply goes to whoever asked; the run is over when the kernel says that it is idle.
    false,
    // As for a page's own run: displays may be updated, and output may come, long after the end.
    false,
    kernel,
  );
  inside._futures.set(id, future);
  return future;
}

function noteDisplay(kernel: Kernel.IKernelConnection, displayId: string, id: string): void {
  const { _displayIdToParentIds: parents, _msgIdToDisplayIds: displays } = kernel as unknown as KernelInside;
  parents.set(displayId, [...new Set([...(parents.get(displayId) ?? []), id])]);
  displays.set(id, [...new Set([...(displays.get(id) ?? []), displayId])]);
}

function noteTiming(cell: CodeCell, type: string, content: object, date: string): void {
  const stage = type === "status" ? `status.${(content as { execution_state: string }).execution_state}` : type;
  const timing = { ...(cell.model.getMetadata("execution") as object | undefined), [`iopub.${stage}`]: date };
  cell.model.setMetadata("execution", timing);
}
