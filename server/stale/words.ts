import type { CodeCell, Reason } from "./graph.ts";

/** What the words name a cell by: its place in the order of the page and the number in its prompt. */
export interface NamedCell extends CodeCell {
  executionCount: number | null;
}

/** The reasons of one cell as sentences, one a line. */
export function explain(id: string, reasons: readonly Reason[], cells: readonly NamedCell[]): string {
  const names = new Map(cells.map((cell, i) => [cell.id, nameOf(cell, i)]));
  return reasons.map((reason) => sentence(id, reason, cells, names)).join("\n");
}

const nameOf = ({ executionCount }: NamedCell, index: number): string =>
  executionCount === null ? `code cell ${index + 1}` : `cell [${executionCount}]`;

function sentence(id: string, reason: Reason, cells: readonly NamedCell[], names: ReadonlyMap<string, string>): string {
  if (reason.kind === "edited") return "Edited since it ran.";
  const name =
    reason.through === undefined ? `\`${reason.name}\`` : `\`${reason.name}\` (through \`${reason.through}\`)`;
  switch (reason.kind) {
    case "anew":
      return `Uses ${name}, which ${names.get(reason.definer)} defined anew.`;
    case "stale":
      return `Uses ${name} of ${names.get(reason.definer)}, which is stale.`;
    case "order": {
      const definer = names.get(reason.definer);
      if (reason.seen === undefined) return `Ran before ${definer} defined ${name}.`;
      if (reason.seen === id)
        return `Ran again on the ${name} that it had set itself; from the top it gets that of ${definer}.`;
      return `Used the ${name} of ${foreign(reason.seen, names)}; from the top it gets that of ${definer}.`;
    }
    case "nowhere": {
      if (reason.seen === id) return `Uses ${name}, which no cell above defines.`;
      if (!names.has(reason.seen))
        return `Uses ${name} of ${foreign(reason.seen, names)}: from the top it would be missing.`;
      const at = (which: string) => cells.findIndex((cell) => cell.id === which);
      return at(reason.seen) > at(id)
        ? `Uses ${name}, which only ${names.get(reason.seen)} below defines.`
        : `Uses ${name}, which ${names.get(reason.seen)} no longer defines.`;
    }
  }
}

const foreign = (id: string, names: ReadonlyMap<string, string>): string =>
  names.get(id) ?? (id === "" ? "code outside the notebook" : "a deleted cell");
