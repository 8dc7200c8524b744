import type { CodeCell } from "@jupyterlab/cells";
import type { IOutput } from "@jupyterlab/nbformat";
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
 * After a restart of the server: shows what this page has shown before, and then what the new server has heard. The old
 * one's last words to a page and to the file need not be the same.
 *
 * @param gap a text in the run's outputs: where the new server began to listen.
 */
export function showSinceGap(cell: CodeCell, run: FollowedCell, gap: string): void {
  const { outputs, outputArea } = { outputs: cell.model.outputs, outputArea: cell.outputArea as unknown as AreaInside };
  const [told, shown] = [run.outputs as TextOutput[], outputs.toJSON() as TextOutput[]];
  const from = told.findLastIndex(({ text }) => text?.includes(gap));
  if (from < 0) return;
  // A page that reconnects once more has the gap already.
  const known = shown.findLastIndex(({ text }) => text?.includes(gap));
  const mine = known < 0 ? shown : [...shown.slice(0, known), ...before(shown[known]!, gap)];
  const displays = new Map(
    [...outputArea._displayIdMap].map(([id, indices]) => [id, indices.filter((i) => i < mine.length)]),
  );
  for (const [id, indices] of run.displays) {
    const since = indices.filter((index) => index > from).map((index) => index - from + mine.length);
    if (since.length > 0) displays.set(id, [...(displays.get(id) ?? []), ...since]);
  }
  const seam = { ...told[from]!, text: told[from]!.text!.slice(told[from]!.text!.indexOf(gap)) };
  outputs.fromJSON([...mine, seam, ...told.slice(from + 1)] as unknown as IOutput[]);
  if (run.clear_next) outputs.clear(true);
  outputArea._displayIdMap = displays;
}

interface TextOutput {
  text?: string;
}

const before = (output: TextOutput, gap: string): TextOutput[] => {
  const text = output.text!.slice(0, output.text!.indexOf(gap));
  return text === "" ? [] : [{ ...output, text }];
};

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
  const { header } = future.msg;
  const isError = (run.outputs as { output_type?: string }[]).some(({ output_type }) => output_type === "error");
  const message = (channel: "shell" | "iopub", msg_type: string, content: object): KernelMessage.IMessage =>
    ({ channel, header: { ...header, msg_type }, parent_header: header, metadata: {}, content }) as never;
  const content = { status: isError ? "error" : "ok", execution_count: run.execution_count };
  await future.handleMsg((run.reply ?? message("shell", "execute_reply", content)) as never);
  await future.handleMsg(message("iopub", "status", { execution_state: "idle" }) as never);
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
