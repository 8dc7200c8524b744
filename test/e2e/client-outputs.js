// Runs in a browser: JupyterLab's own client, cells and output areas, fed with messages as a kernel's websocket brings
// them; and our plugin's way of following a run that another page started. Bundled by the test.
import { Cell, CodeCell, CodeCellModel } from "@jupyterlab/cells";
import { CodeMirrorEditorFactory } from "@jupyterlab/codemirror";
import { RenderMimeRegistry, standardRendererFactories } from "@jupyterlab/rendermime";
import { ServerConnection } from "@jupyterlab/services";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { followRun, showOutputs } from "../../server/web/src/documents/foreign-run.ts";

/** The client's end of a websocket whose other end is the test. */
class Wire {
  static last;
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  protocol = "";
  readyState = 1;
  constructor() {
    Wire.last = this;
    queueMicrotask(() => this.onopen?.({}));
  }
  send() {}
  close() {}
}

const rendermime = new RenderMimeRegistry({ initialFactories: standardRendererFactories });
const editorFactory = new CodeMirrorEditorFactory().newInlineEditor;
const contentFactory = new Cell.ContentFactory({ editorFactory });

/** A page with cells on one kernel. */
class Page {
  constructor() {
    const serverSettings = ServerConnection.makeSettings({ WebSocket: Wire, baseUrl: location.href });
    this.kernel = new KernelConnection({ model: { id: "kernel", name: "test" }, serverSettings });
    this.wire = Wire.last;
    this.cells = new Map();
  }

  cell(id) {
    if (!this.cells.has(id)) {
      const model = new CodeCellModel();
      model.sharedModel.setSource("code");
      model.trusted = true;
      this.cells.set(id, new CodeCell({ model, rendermime, contentFactory }));
    }
    return this.cells.get(id);
  }

  /** As a person does; returns the request's id. */
  run(id) {
    const cell = this.cell(id);
    void CodeCell.execute(cell, { session: { kernel: this.kernel } }, { recordTiming: false }).catch(() => undefined);
    return cell.outputArea.future.msg.header.msg_id;
  }

  follow(run) {
    const cell = this.cell(run.cell_id);
    showOutputs(cell, run);
    followRun(cell, this.kernel, run);
  }

  async hear(messages) {
    for (const message of messages) this.wire.onmessage({ data: JSON.stringify(message) });
    for (let chain; chain !== this.kernel._msgChain; ) {
      chain = this.kernel._msgChain;
      await chain;
    }
  }

  shown() {
    return Object.fromEntries(
      [...this.cells].map(([id, { model }]) => [
        id,
        { outputs: model.outputs.toJSON(), count: model.executionCount, state: model.executionState },
      ]),
    );
  }
}

globalThis.pages = new Map();
globalThis.page = (name) => {
  if (!globalThis.pages.has(name)) globalThis.pages.set(name, new Page());
  return globalThis.pages.get(name);
};
globalThis.isReady = true;
