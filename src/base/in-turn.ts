/**
 * A queue for work on one state: each begins when the one before has ended, well or not. A step whose cell was interrupted
 * may still end while the next cell trains on. Work begins in a microtask, where an interrupt of the calling cell cannot
 * cut it.
 *
 * @example
 * const inTurn = queue();
 * await inTurn(() => state.restore(checkpoint));
 */
export function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
