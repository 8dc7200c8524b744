import { z } from "zod";
import type { JupyterMessage } from "../../kernel/protocol/index.ts";
import { CellOutputs, displayId, type Output } from "./cellOutputs.ts";

/** How far a run is. A run whose kernel ended is over, too. */
export type RunState = "waiting" | "running" | "ended";

/** A run as it is kept over a restart of the server. */
export const runRecordSchema = z.object({
  kernelId: z.string(),
  messageId: z.string(),
  cellId: z.string(),
  code: z.string(),
  path: z.string().optional(),
  recordsTiming: z.boolean(),
  executionCount: z.number().nullable(),
  displays: z.array(z.tuple([z.string(), z.array(z.int())])),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** What is written to a run that outlived its server; the time tells one such place from another. */
const gapNote = (): string =>
  `Some output may be missing here: the notebook server stopped while this cell ran (${new Date().toISOString()}).\n`;

/** One request to run a cell of a notebook: everything that the page of the notebook would know of it. */
export class CellRun {
  readonly messageId: string;
  readonly cellId: string;
  readonly code: string;
  /** The notebook whose page asked for it, if that page said so. */
  path: string | undefined;
  readonly outputs = new CellOutputs();
  state: RunState = "waiting";
  executionCount: number | null = null;
  /** The last input request, until it is answered. */
  inputRequest: JupyterMessage | undefined;
  /** The kernel's reply. */
  reply: JupyterMessage | undefined;
  /** Counts changes, so that a writer can tell whether there were any while it wrote. */
  revision = 0;
  /** The revision that the notebook's file holds. */
  savedRevision = 0;
  /**
   * Whether the file has the cell unless someone deleted it: a page has saved the notebook since this run began, or the
   * cell is not the notebook's.
   */
  isKnownToFile = false;
  /** Set when it began under an earlier server: a text after which the outputs are complete. */
  gap: string | undefined;
  isOfEarlierServer = false;
  /** When the last change came, in milliseconds since 1970. */
  changedAt = Date.now();
  readonly #recordsTiming: boolean;
  #timing: Record<string, string> = {};

  constructor({
    messageId,
    cellId,
    code,
    path,
    recordsTiming,
  }: Omit<RunRecord, "kernelId" | "executionCount" | "displays">) {
    this.messageId = messageId;
    this.cellId = cellId;
    this.code = code;
    this.path = path;
    this.#recordsTiming = recordsTiming;
    this.#touch();
  }

  /** @param request an execute_request with the id of its cell. */
  static of({ header, metadata, content }: JupyterMessage, path?: string): CellRun {
    return new CellRun({
      messageId: header.msg_id,
      cellId: String(metadata.cellId),
      code: String(content.code ?? ""),
      path,
      recordsTiming: metadata.recordTiming === true,
    });
  }

  /**
   * A run that began under an earlier server.
   *
   * @param outputs what the notebook's file has of it.
   */
  static restore(record: RunRecord, outputs: readonly Output[]): CellRun {
    const run = new CellRun(record);
    run.outputs.load(outputs);
    run.executionCount = record.executionCount;
    run.outputs.restoreDisplays(record.displays);
    run.state = "running";
    run.isKnownToFile = true;
    run.isOfEarlierServer = true;
    run.gap = gapNote();
    run.outputs.write("stderr", run.gap);
    run.#touch();
    return run;
  }

  /** What another server needs to know of it. */
  record(kernelId: string): RunRecord {
    const { messageId, cellId, code, path, executionCount } = this;
    return {
      ...{ kernelId, messageId, cellId, code, recordsTiming: this.#recordsTiming, executionCount },
      displays: this.outputs.displays,
      ...(path === undefined ? {} : { path }),
    };
  }

  /** When each stage was reached, as JupyterLab notes it in the cell's metadata; undefined when nobody wants it. */
  get timing(): Record<string, string> | undefined {
    return this.#recordsTiming ? this.#timing : undefined;
  }

  /** Whether the file lacks something of this run. */
  get isUnsaved(): boolean {
    return this.revision !== this.savedRevision;
  }

  toJSON(): Output[] {
    return this.outputs.toJSON();
  }

  /** Takes a broadcast or a reply whose parent is this run's request. */
  receive(message: JupyterMessage): void {
    const { content, header } = message;
    switch (header.msg_type) {
      case "status":
        if (content.execution_state === "busy" && this.state === "waiting") this.state = "running";
        if (content.execution_state === "idle") this.#end();
        this.#note(`iopub.status.${String(content.execution_state)}`, header.date);
        break;
      case "execute_input":
        if (typeof content.execution_count === "number") this.executionCount = content.execution_count;
        this.#note("iopub.execute_input", header.date);
        break;
      case "stream":
        this.outputs.write(String(content.name), String(content.text));
        break;
      case "display_data":
      case "execute_result":
      case "error":
        this.outputs.add(header.msg_type, content);
        break;
      case "clear_output":
        this.outputs.clear(content.wait === true);
        break;
      case "input_request":
        this.inputRequest = message;
        break;
      case "execute_reply":
        this.#replied(message);
        break;
      default:
        return;
    }
    this.#touch();
  }

  /** Replaces displays. */
  update(content: Record<string, unknown>): void {
    const id = displayId(content);
    if (id !== undefined && this.outputs.update(id, content)) this.#touch();
  }

  /** A client answered the input request; pages show what was typed. */
  answered(content: Record<string, unknown>): void {
    if (!this.inputRequest) return;
    const isSecret = this.inputRequest.content.password === true;
    this.inputRequest = undefined;
    this.outputs.write("stdin", `${isSecret ? "········" : String(content.value ?? "")}\n`);
    this.#touch();
  }

  /** The kernel is gone, and the run with it. */
  abandon(): void {
    if (this.state === "ended") return;
    this.#end();
    this.executionCount = null;
    this.#touch();
  }

  /** A page that has shown it from its beginning knows what it put out before the gap. */
  completeFrom(outputs: readonly Output[]): void {
    if (this.gap !== undefined && this.outputs.replaceUpTo(this.gap, outputs)) this.gap = undefined;
  }

  /** It is over, though its end was not heard. Returns false when that was known. */
  finish(): boolean {
    if (this.state === "ended") return false;
    this.#end();
    this.#touch();
    return true;
  }

  #replied(message: JupyterMessage): void {
    this.reply = message;
    const { content, header, metadata } = message;
    if (typeof content.execution_count === "number") this.executionCount = content.execution_count;
    if (typeof metadata.started === "string") this.#note("shell.execute_reply.started", metadata.started);
    this.#note("shell.execute_reply", header.date);
    if (content.status !== "ok" || !Array.isArray(content.payload)) return;
    const page = (content.payload as Record<string, unknown>[]).find(({ source }) => source === "page");
    if (page) this.outputs.add("display_data", { data: page.data, metadata: {} });
  }

  #end(): void {
    this.state = "ended";
    this.inputRequest = undefined;
  }

  #note(stage: string, date: string): void {
    this.#timing = { ...this.#timing, [stage]: date };
  }

  #touch(): void {
    this.revision++;
    this.changedAt = Date.now();
  }
}
