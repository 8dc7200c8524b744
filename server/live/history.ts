/** An event of a run as the channel sees it; what else it holds is between the publisher and the readers. */
export interface LiveEvent {
  type: string;
  [field: string]: unknown;
}

/** The events of one run that a reader who comes late is given. */
export class RunHistory {
  readonly #capacity: number;
  #events: LiveEvent[] = [];

  /** @param capacity events that are kept; of older steps every second one makes room, other events stay. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get events(): readonly LiveEvent[] {
    return this.#events;
  }

  add(event: LiveEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#capacity) this.#thin();
  }

  #thin(): void {
    const half = this.#events.length >> 1;
    let steps = 0;
    this.#events = this.#events.filter((event, i) => i >= half || event.type !== "step" || steps++ % 2 === 0);
    // A run that publishes little but other events: the oldest go.
    this.#events.splice(0, this.#events.length - this.#capacity);
  }
}
