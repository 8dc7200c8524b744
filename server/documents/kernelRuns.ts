import { createMessage, type JupyterMessage } from "../../kernel/protocol/index.ts";
import { displayId } from "./cellOutputs.ts";
import { CellRun } from "./cellRun.ts";

/** Characters of outputs that one kernel's runs may hold; ended runs that the file has make room. */
const maxKeptChars = 128_000_000;
/** How many messages pass between two looks at the memory. */
const sizeCheckEvery = 2000;

/** A page asks for the cells that run, on the control channel of its kernel's websocket. */
export const followRequest = "cirlab_follow_request";
/** The answer; what follows it on the same websocket is not in it, what came before is. */
export const followReply = "cirlab_follow_reply";
/** Tells the followers that another client runs a cell: comes before anything that the kernel says of it. */
export const cellStarted = "cirlab_cell_started";
/** Tells that a person cleared a cell's outputs in a page. */
export const cellCleared = "cirlab_cell_cleared";

/** All runs of notebook cells on one kernel, the newest of each cell, with what they show. */
export class KernelRuns {
  /** By message id, oldest first. */
  readonly #runs = new Map<string, CellRun>();
  readonly #newest = new Map<string, CellRun>();
  /** Which runs have shown a display of an id, by the id. */
  readonly #displays = new Map<string, Set<string>>();
  readonly #changed: (run: CellRun) => void;
  #messages = 0;

  /** @param changed called after each change of a run. */
  constructor(changed: (run: CellRun) => void) {
    this.#changed = changed;
  }

  list(): CellRun[] {
    return [...this.#runs.values()];
  }

  /** A client's message that goes to the kernel. Returns the run if it starts one. */
  sent(message: JupyterMessage, path?: string): CellRun | undefined {
    const { msg_type } = message.header;
    if (
      msg_type === "execute_request" &&
      typeof message.metadata.cellId === "string" &&
      message.content.silent !== true
    )
      return this.add(CellRun.of(message, path));
    if (msg_type === "input_reply") this.#answered(message);
    return undefined;
  }

  /** Takes a run up; it takes the place of an earlier one of the same cell. */
  add(run: CellRun): CellRun {
    const before = this.#newest.get(run.cellId);
    if (before) this.#forget(before);
    this.#runs.set(run.messageId, run);
    this.#newest.set(run.cellId, run);
    for (const [id] of run.outputs.displays) this.#noteDisplay(id, run);
    this.#changed(run);
    return run;
  }

  /** A message of the kernel. */
  received(message: JupyterMessage): void {
    const { content, header, parent_header } = message;
    const type = header.msg_type;
    const id = type.endsWith("display_data") || type === "execute_result" ? displayId(content) : undefined;
    // As in JupyterLab, a display of a known id also replaces the earlier ones.
    if (id !== undefined) this.#update(id, content);
    if (type === "update_display_data") return;
    const run = this.#runs.get(parent_header.msg_id ?? "");
    if (!run) return;
    if (id !== undefined) this.#noteDisplay(id, run);
    run.receive(message);
    this.#changed(run);
    if (++this.#messages % sizeCheckEvery === 0) this.#makeRoom();
  }

  /** The kernel's process is gone: what ran does not run any more. */
  ended(): void {
    this.#displays.clear();
    for (const run of this.list()) {
      if (run.state !== "ended") {
        run.abandon();
        this.#changed(run);
      }
      if (!run.isUnsaved) this.#forget(run);
    }
  }

  /** All that an earlier server had asked for is over, also what nobody heard the end of. */
  caughtUp(): void {
    for (const run of this.#runs.values()) if (run.isOfEarlierServer && run.finish()) this.#changed(run);
  }

  /** A page cleared a cell's outputs. */
  cleared(cellId: string): void {
    const run = this.#newest.get(cellId);
    if (!run) return;
    if (run.state === "ended") this.#forget(run);
    else run.outputs.clear(false);
  }

  /** What a page needs to go on showing the cells: see `followReply`. */
  snapshot(): { cells: FollowedCell[] } {
    return { cells: this.list().map(followed) };
  }

  #answered(message: JupyterMessage): void {
    const asked = message.parent_header.msg_id;
    for (const run of this.#runs.values()) {
      if (!run.inputRequest || (asked !== undefined && run.inputRequest.header.msg_id !== asked)) continue;
      run.answered(message.content);
      this.#changed(run);
    }
  }

  #noteDisplay(id: string, run: CellRun): void {
    this.#displays.set(id, (this.#displays.get(id) ?? new Set()).add(run.messageId));
  }

  #update(id: string, content: Record<string, unknown>): void {
    for (const messageId of this.#displays.get(id) ?? []) {
      const run = this.#runs.get(messageId);
      if (!run) continue;
      const before = run.revision;
      run.update(content);
      if (run.revision !== before) this.#changed(run);
    }
  }

  #forget(run: CellRun): void {
    this.#runs.delete(run.messageId);
    if (this.#newest.get(run.cellId) === run) this.#newest.delete(run.cellId);
    for (const [id, runs] of this.#displays)
      if (runs.delete(run.messageId) && runs.size === 0) this.#displays.delete(id);
  }

  #makeRoom(): void {
    const sizes = this.list().map((run) => ({ run, size: run.outputs.size }));
    let total = sizes.reduce((sum, { size }) => sum + size, 0);
    for (const { run, size } of sizes) {
      if (total <= maxKeptChars) return;
      if (run.state !== "ended" || run.isUnsaved) continue;
      this.#forget(run);
      total -= size;
    }
  }
}

/** A cell's run as pages learn of it. */
export interface FollowedCell {
  message_id: string;
  cell_id: string;
  state: CellRun["state"];
  /** Whether the notebook's file lacks something of it. */
  unsaved: boolean;
  execution_count: number | null;
  outputs: unknown[];
  displays: [id: string, indices: number[]][];
  clear_next: boolean;
  timing: Record<string, string> | null;
  /** When the server was restarted meanwhile: a text in the outputs; what stands before it, an older page knows better. */
  gap: string | null;
  /** The kernel's question that waits for an answer, and its reply: whole messages. */
  input_request: JupyterMessage | null;
  reply: JupyterMessage | null;
}

function followed(run: CellRun): FollowedCell {
  const { outputs, displays, clearNext } = run.outputs.resumable();
  return {
    message_id: run.messageId,
    cell_id: run.cellId,
    state: run.state,
    unsaved: run.isUnsaved,
    execution_count: run.executionCount,
    outputs,
    displays,
    clear_next: clearNext,
    timing: run.timing ?? null,
    gap: run.gap ?? null,
    input_request: withoutBuffers(run.inputRequest),
    reply: withoutBuffers(run.reply),
  };
}

/** Whole messages travel inside of JSON here; neither of these has buffers. */
function withoutBuffers(message: JupyterMessage | undefined): JupyterMessage | null {
  return message ? { ...message, buffers: [] } : null;
}

/** A message from the server itself, as if the kernel had sent it. */
export function serverMessage(
  type: string,
  content: object,
  options: { kernelSession: string; parent?: JupyterMessage; channel: "control" | "iopub" },
): JupyterMessage {
  const { kernelSession, parent, channel } = options;
  return createMessage(type, content as Record<string, unknown>, {
    // Clients drop messages of another session than the kernel's last one.
    session: kernelSession,
    username: "server",
    channel,
    parent,
  });
}
