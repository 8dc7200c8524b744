const limitMs = 240_000;

/**
 * Waits until `check` gives something true, and gives it. Fails after four minutes, with what was awaited, so that a
 * test that hangs is told by name before its file is ended.
 */
export async function until<T>(check: () => T | Promise<T>, what: string = String(check)): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`Still waiting after ${limitMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
