import type { LiveEventMessage } from "./messages.ts";

type Listener = (message: LiveEventMessage) => void;

const listeners = new Set<Listener>();

/** Calls `listener` with every event that this process records from now on, once it is on disk. It must not throw. */
export function onRecorded(listener: Listener): void {
  listeners.add(listener);
}

/** Tells the listeners of an event that was recorded. */
export function tellRecorded(message: LiveEventMessage): void {
  for (const listener of listeners) listener(message);
}
