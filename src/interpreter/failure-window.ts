/** Snippets that the rate of failures is counted over. */
const size = 200;
/** Fewer than this many snippets say little: the rate is then of so many. */
const least = 20;

/** How many of the last snippets met a failure of the interpreter itself. */
export class FailureWindow {
  readonly #last: boolean[] = [];
  #next = 0;
  #failed = 0;

  add(failed: boolean): void {
    if (this.#last[this.#next]) this.#failed--;
    this.#last[this.#next] = failed;
    if (failed) this.#failed++;
    this.#next = (this.#next + 1) % size;
  }

  get rate(): number {
    return this.#failed / Math.max(this.#last.length, least);
  }

  /** What is wrong, as one sentence, where the rate is above the limit. */
  alarm(limit: number): string | undefined {
    if (this.rate <= limit) return undefined;
    const most = `${Number((limit * 100).toFixed(1))}%`;
    return `${this.#failed} of the last ${this.#last.length} snippets met a failure of the interpreter itself (limit ${most}).`;
  }
}
