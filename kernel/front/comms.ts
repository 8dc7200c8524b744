import { cellRunsTarget } from "../protocol/cellRuns.ts";
import type { JupyterMessage } from "../protocol/messages.ts";
import type { FromSession } from "../session/wire.ts";
import type { CellRuns } from "./cellRuns.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";

/** Passes comm messages between the front end and the session, and knows which comms are open. */
export class CommTable {
  readonly #outputs: Outputs;
  readonly #session: Session;
  readonly #cellRuns: CellRuns;
  readonly #targets = new Map<string, string>();
  /** Front-end messages that the session still works on. */
  readonly #pending = new Map<string, () => void>();

  constructor(outputs: Outputs, session: Session, cellRuns: CellRuns) {
    this.#outputs = outputs;
    this.#session = session;
    this.#cellRuns = cellRuns;
  }

  /** Open comms as a comm_info_reply lists them. */
  list(target: unknown): Record<string, { target_name: string }> {
    const wanted = [...this.#targets].filter(
      ([, name]) => typeof target !== "string" || target === "" || name === target,
    );
    return Object.fromEntries(wanted.map(([id, target_name]) => [id, { target_name }]));
  }

  /** A message of the front end. Returns whether `done` will be called when the session has handled it. */
  receive(type: "comm_open" | "comm_msg" | "comm_close", message: JupyterMessage, done: () => void): boolean {
    const { comm_id: commId, target_name: target, data } = message.content;
    if (typeof commId !== "string") return false;
    if (type === "comm_open" && target === cellRunsTarget) {
      // A question, which the front answers itself: also while a cell runs.
      this.#outputs.publish("comm_msg", { comm_id: commId, data: this.#cellRuns.snapshot() }, message);
      this.#outputs.publish("comm_close", { comm_id: commId, data: {} }, message);
      return false;
    }
    if (type === "comm_open") this.#targets.set(commId, String(target));
    else if (!this.#targets.has(commId)) return false;
    if (type === "comm_close") this.#targets.delete(commId);
    this.#pending.set(message.header.msg_id, done);
    this.#session.send({
      type: "comm",
      event: type === "comm_open" ? "open" : type === "comm_msg" ? "msg" : "close",
      id: message.header.msg_id,
      commId,
      ...(typeof target === "string" ? { target } : {}),
      data: data ?? {},
      metadata: message.metadata,
      buffers: message.buffers,
    });
    return true;
  }

  /** A message of the session's code. */
  fromSession(
    event: Extract<FromSession, { type: "comm" }>,
    buffers: Uint8Array[],
    parent: JupyterMessage | undefined,
  ): void {
    if (event.event === "open") this.#targets.set(event.commId, event.target ?? "");
    if (event.event === "close") this.#targets.delete(event.commId);
    const content = {
      comm_id: event.commId,
      data: event.data,
      ...(event.event === "open" ? { target_name: event.target ?? "" } : {}),
    };
    this.#outputs.publish(`comm_${event.event}`, content, parent, { metadata: event.metadata, buffers });
  }

  handled(id: string): void {
    this.#pending.get(id)?.();
    this.#pending.delete(id);
  }

  /** The session is gone, and its ends of the comms with it. */
  lost(): void {
    for (const commId of this.#targets.keys())
      this.#outputs.publish("comm_close", { comm_id: commId, data: {} }, undefined);
    this.#targets.clear();
    for (const done of this.#pending.values()) done();
    this.#pending.clear();
  }
}
