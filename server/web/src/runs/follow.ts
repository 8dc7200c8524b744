import { runChannel } from "../live/run-channel.ts";

/** How often what trains is looked at when the live channel says nothing: it may be cut off. */
const pollMs = 4000;
const listPollMs = 15_000;
/** At most so often, however many steps a second there are; a server that takes long is asked less. */
const restMs = 700;
const restShare = 5;

/** Calls `refresh` now and whenever what it shows may have changed, never twice at once. */
export class Follower {
  readonly #refresh: () => Promise<boolean>;
  #restMs = restMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBusy = false;
  #isAsked = false;
  #isStopped = false;

  /** @param refresh resolves with whether something trains, so that it is worth looking again soon. */
  constructor(refresh: () => Promise<boolean>) {
    this.#refresh = refresh;
    runChannel.watchList();
    runChannel.listChanged.connect(this.ask, this);
    runChannel.connection.connect(this.ask, this);
    void this.#turn();
  }

  /** Something has changed. */
  ask(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    if (this.#isBusy) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#turn(), this.#restMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    runChannel.listChanged.disconnect(this.ask, this);
    runChannel.connection.disconnect(this.ask, this);
  }

  async #turn(): Promise<void> {
    this.#isBusy = true;
    this.#isAsked = false;
    let isTrained = false;
    const begun = performance.now();
    try {
      // A page that nobody sees need not be new.
      if (!document.hidden) isTrained = await this.#refresh();
    } finally {
      this.#isBusy = false;
      this.#restMs = Math.max(restMs, restShare * (performance.now() - begun));
    }
    if (this.#isStopped) return;
    const wait = this.#isAsked ? this.#restMs : isTrained ? pollMs : listPollMs;
    this.#timer = setTimeout(() => void this.#turn(), wait);
  }
}
