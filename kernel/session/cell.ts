import { setMaxListeners } from "node:events";

/** Code that runs for a message of a client, and everything that it set going. */
export interface Cell {
  readonly id: string;
  readonly frontCellId: string | undefined;
  /** The subshell that it runs in; the main shell has none. */
  readonly subshell: string | undefined;
  readonly controller: AbortController;
  /** Its code asked for the interrupt signal: it may need a moment to stop in good order. */
  watchesSignal: boolean;
  interrupted: boolean;
  /** Its outcome is told. */
  done: boolean;
  /** It was interrupted and did not end: its timers and awaits do not go on. */
  abandoned: boolean;
  /** Work that a message of the page set going: an interrupt reaches it while no cell runs. */
  readonly isOfPage: boolean;
  /** Which of the names that it declares it has set by now. */
  definedNames: () => string[];
}

/** A cell that has not begun. */
export function newCell(head: { id: string; frontCellId?: string; subshell?: string; isOfPage?: boolean }): Cell {
  const controller = new AbortController();
  // Every pending step of a training may listen to it.
  setMaxListeners(0, controller.signal);
  return {
    id: head.id,
    frontCellId: head.frontCellId,
    subshell: head.subshell,
    isOfPage: head.isOfPage ?? false,
    controller,
    watchesSignal: false,
    interrupted: false,
    done: false,
    abandoned: false,
    definedNames: () => [],
  };
}
