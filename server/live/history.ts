/** An event of a run as the channel sees it; what else it holds is between the publisher and the readers. */
export interface LiveEvent {
  type: string;
  [field: string]: unknown;
}

interface Entry {
  /** Place in the run, counted from 1 over all its events. */
  sequence: number;
  event: LiveEvent;
}

/** The events of one run that a reader who comes late is given. */
export class RunHistory {
  readonly #capacity: number;
  #entries: Entry[] = [];
  #sequence = 0;

  /** @param capacity events that are kept; of older steps every second one makes room, other events stay. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get events(): LiveEvent[] {
    return this.#entries.map(({ event }) => event);
  }

  /** Sequence of the newest event; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  add(event: LiveEvent): void {
    this.#entries.push({ sequence: ++this.#sequence, event });
    if (this.#entries.length <= this.#capacity) return;
    const half = this.#entries.length >> 1;
    this.#entries = [...thin(this.#entries.slice(0, half), 2), ...this.#entries.slice(half)];
    // A run that publishes little but other events: the oldest go.
    this.#entries.splice(0, this.#entries.length - this.#capacity);
  }

  /** What came after an event, thinned out to about `limit`; the newest is always there. */
  since(sequence: number, limit: number): LiveEvent[] {
    let first = this.#entries.length;
    while (first > 0 && this.#entries[first - 1]!.sequence > sequence) first--;
    const missed = this.#entries.slice(first);
    return thin(missed, Math.ceil(missed.length / limit)).map(({ event }) => event);
  }
}

/** Keeps every `stride`-th step, counted from the newest, and all other events. */
function thin(entries: Entry[], stride: number): Entry[] {
  let steps = 0;
  return entries
    .reverse()
    .filter(({ event }) => event.type !== "step" || steps++ % stride === 0)
    .reverse();
}
