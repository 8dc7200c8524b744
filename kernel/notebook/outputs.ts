import type { JupyterMessage } from "../protocol/messages.ts";
import type { Output } from "./format.ts";

interface Shown {
  outputs: Output[];
  /** `clear_output` with `wait` came: the next output takes the place of these. */
  clearNext: boolean;
}

/** Turns broadcasts into the outputs of a notebook's cells, as a front end would show them. */
export class OutputCollector {
  readonly #cells = new Map<string, Shown>();
  /** Outputs by display id, over all cells: an update changes each of them. */
  readonly #displays = new Map<string, Output[]>();

  /** Broadcasts with the parent `requestId` go into `outputs`. */
  addCell(requestId: string, outputs: Output[]): void {
    this.#cells.set(requestId, { outputs, clearNext: false });
  }

  receive(message: JupyterMessage): void {
    const { content } = message;
    if (message.header.msg_type === "update_display_data") {
      this.#update(content);
      return;
    }
    const cell = this.#cells.get(message.parent_header.msg_id ?? "");
    if (!cell) return;
    switch (message.header.msg_type) {
      case "stream":
        this.#addText(cell, String(content.name), String(content.text));
        return;
      case "display_data":
      case "execute_result": {
        const output: Output = {
          output_type: message.header.msg_type,
          data: content.data,
          metadata: content.metadata,
          ...(message.header.msg_type === "execute_result" ? { execution_count: content.execution_count } : {}),
        };
        const id = (content.transient as { display_id?: string } | undefined)?.display_id;
        if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
        this.#add(cell, output);
        return;
      }
      case "error": {
        const { ename, evalue, traceback } = content;
        this.#add(cell, { output_type: "error", ename, evalue, traceback });
        return;
      }
      case "clear_output":
        if (content.wait) cell.clearNext = true;
        else cell.outputs.length = 0;
    }
  }

  #add(cell: Shown, output: Output): void {
    if (cell.clearNext) cell.outputs.length = 0;
    cell.clearNext = false;
    cell.outputs.push(output);
  }

  #addText(cell: Shown, name: string, text: string): void {
    const last = cell.clearNext ? undefined : cell.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text = applyReturns(`${last.text}${text}`);
    else this.#add(cell, { output_type: "stream", name, text: applyReturns(text) });
  }

  #update(content: Record<string, unknown>): void {
    const id = (content.transient as { display_id?: string } | undefined)?.display_id;
    for (const output of this.#displays.get(id ?? "") ?? []) {
      output.data = content.data;
      output.metadata = content.metadata;
    }
  }
}

/** A carriage return starts its line anew, as on a terminal. One at the very end still waits for what follows. */
function applyReturns(text: string): string {
  return text.replace(/[^\r\n]*\r(?=[^\r\n])/g, "");
}
