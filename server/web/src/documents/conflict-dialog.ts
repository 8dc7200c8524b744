import { Dialog, showDialog } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import type { CellJson, Conflict } from "./merge.ts";

/** Which version of a cell stays. */
export type Choice = "mine" | "theirs" | "both";

const labels: Record<Choice, string> = {
  mine: "Keep the one in this tab",
  theirs: "Take the one on disk",
  both: "Keep both, one below the other",
};

/**
 * Shows both versions of each cell that was changed here and on disk, and asks which is to stay.
 *
 * @param order ids of all cells, for the cells' numbers.
 * @throws an error named ModalCancelError when the reader puts it off: then nothing is changed or saved.
 */
export async function chooseVersions(
  path: string,
  conflicts: readonly Conflict[],
  order: readonly string[],
): Promise<Map<string, Choice>> {
  const body = new ConflictBody(path, conflicts, order);
  const { button, value } = await showDialog({
    title: "Changed here and on disk",
    body,
    buttons: [Dialog.cancelButton({ label: "Not now" }), Dialog.okButton({ label: "Apply" })],
    focusNodeSelector: "input[type=radio]:checked",
  });
  if (button.accept && value) return value;
  const cancelled = new Error("The changes on disk were not joined.");
  cancelled.name = "ModalCancelError";
  throw cancelled;
}

class ConflictBody extends Widget implements Dialog.IBodyWidget<Map<string, Choice>> {
  readonly #forms = new Map<string, HTMLFieldSetElement>();

  constructor(path: string, conflicts: readonly Conflict[], order: readonly string[]) {
    super();
    this.addClass("cirlab-conflicts");
    const number = conflicts.length === 1 ? "One cell" : `${conflicts.length} cells`;
    this.node.append(
      element("p", `${number} of ${path} changed both here and on disk. All other changes fit together.`),
    );
    for (const conflict of conflicts) {
      const form = document.createElement("fieldset");
      form.append(element("legend", `Cell ${order.indexOf(conflict.id) + 1}`), versions(conflict));
      for (const choice of ["both", "mine", "theirs"] as const) form.append(option(conflict.id, choice));
      this.#forms.set(conflict.id, form);
      this.node.append(form);
    }
  }

  getValue(): Map<string, Choice> {
    const chosen = (form: HTMLFieldSetElement) =>
      form.querySelector<HTMLInputElement>("input:checked")!.value as Choice;
    return new Map([...this.#forms].map(([id, form]) => [id, chosen(form)]));
  }
}

function versions({ mine, theirs, parts }: Conflict): HTMLElement {
  const both = document.createElement("div");
  both.className = "cirlab-conflict-versions";
  for (const [title, cell] of [
    ["In this tab", mine],
    ["On disk", theirs],
  ] as const) {
    const side = document.createElement("div");
    side.append(element("h4", title), element("pre", describe(cell, parts)));
    both.append(side);
  }
  return both;
}

/** A cell's text and, where it matters, what it shows or carries besides; as text, whatever it is. */
function describe(cell: CellJson, parts: readonly string[]): string {
  const shown = [cell.source];
  if (parts.includes("outputs")) shown.push(`Output:\n${outputText(cell)}`);
  if (parts.includes("metadata")) shown.push(`Metadata:\n${JSON.stringify(cell.metadata, null, 1)}`);
  if (parts.includes("attachments")) shown.push(`Attachments: ${Object.keys(cell.attachments ?? {}).join(", ")}`);
  if (parts.includes("cell_type")) shown.push(`Type: ${cell.cell_type}`);
  return shown.join("\n\n");
}

function outputText(cell: CellJson): string {
  const outputs = (cell.outputs ?? []) as { text?: string; data?: Record<string, unknown>; evalue?: string }[];
  const texts = outputs.map(({ text, data, evalue }) => text ?? evalue ?? data?.["text/plain"] ?? "(no text)");
  return texts.length > 0 ? texts.join("\n") : "(none)";
}

function option(id: string, choice: Choice): HTMLElement {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: `version-${id}`, value: choice, checked: choice === "both" });
  label.append(input, labels[choice]);
  return label;
}

function element(tag: string, text: string): HTMLElement {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}
