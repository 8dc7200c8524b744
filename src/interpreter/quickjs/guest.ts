import type { GuestEncoder } from "./guest-encoder.ts";
import type { GuestHost } from "./guest-host.ts";

/** What the host asks of the guest's world. */
export interface Guest {
  /** A value as the text that `decode` reads. */
  encode(value: unknown): string;
  /** Name, message and stack of what was thrown, as JSON. */
  describe(thrown: unknown): string;
  /** Notes a promise whose rejection nobody may miss; returns its argument. */
  watch(value: unknown): unknown;
  /** The first watched promise that was rejected, as `[reason]`. */
  rejected(): [unknown] | undefined;
  /** Runs the timer that is due first; false where none is set. */
  tick(): boolean;
  /** Forgets the timers and watched promises of a cell that is over. */
  settle(): void;
}

/**
 * The JavaScript around a snippet: console, timers, seeded `Math.random`, clock. Its text runs inside QuickJS before
 * each snippet, so it may use nothing from outside of itself. It keeps its own copies of what it calls, so that a
 * snippet that changes a prototype breaks its own output at most.
 *
 * Time is virtual: a timer does not wait, it moves the clock. Timers fire in order of their time.
 *
 * @param clock milliseconds since 1970 at which the clock starts, each look at it taking 1 ms; null for the real one.
 */
export function guest(host: GuestHost, encoder: GuestEncoder, seed: number, clock: number | null): Guest {
  const { encode, quote, facts } = encoder;
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { ownKeys, apply, construct } = Reflect;
  const { isInteger } = Number;
  const { imul } = Math;
  const later = Promise.prototype.then;
  const text = String;

  // One item more than Node shows of a list, which it looks at all the same, and one level more.
  const maxItems = 101;
  const maxLevels = 3;

  // --- the console
  const methods = ["log", "info", "debug", "warn", "error", "dir", "table", "group", "groupCollapsed", "groupEnd"];
  const quick = { log: 1, info: 1, debug: 1, warn: 1, error: 1 };
  const console: Record<string, unknown> = {};
  const method = (name: string, act: (...args: unknown[]) => void) =>
    defineProperty(console, name, { value: act, writable: true, enumerable: true, configurable: true });
  for (const name of [...methods, "assert", "count", "countReset"])
    method(name, (...args) => {
      if (name === "dir" || name === "table") host.print(name, encode(args, name === "dir" ? 20 : maxLevels, 1000));
      else if (args.length === 1 && typeof args[0] === "string" && getOwnPropertyDescriptor(quick, name))
        host.print(name, quote(args[0]));
      else host.print(name, encode(args, maxLevels, maxItems));
    });
  method("trace", (...args) => host.print("error", encode(["Trace:", ...args], maxLevels, maxItems)));
  const started: Record<string, number> = { __proto__: null } as never;
  const elapsed = (label: unknown, end: boolean) => {
    const name = text(label ?? "default");
    if (started[name] === undefined) return;
    host.print("log", quote(`${name}: ${now() - started[name]}ms`));
    if (end) delete started[name];
  };
  method("time", (label) => {
    started[text(label ?? "default")] = now();
  });
  method("timeLog", (label) => elapsed(label, false));
  method("timeEnd", (label) => elapsed(label, true));

  // --- chance and time
  let state = seed >>> 0;
  Math.random = function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  let moved = 0;
  const start = clock ?? host.now();
  const now = (): number => (clock === null ? host.now() + moved : clock + moved++);
  const RealDate = Date;
  function ClockDate(this: unknown, ...args: unknown[]): unknown {
    if (!new.target) return new RealDate(now()).toString();
    return construct(RealDate, args.length ? args : [now()], new.target);
  }
  defineProperty(ClockDate, "name", { value: "Date", configurable: true });
  defineProperty(ClockDate, "length", { value: 7, configurable: true });
  ClockDate.prototype = RealDate.prototype;
  for (const [name, value] of [
    ["now", () => now()],
    ["parse", RealDate.parse],
    ["UTC", RealDate.UTC],
  ] as const)
    defineProperty(ClockDate, name, { value, writable: true, configurable: true });
  defineProperty(RealDate.prototype, "constructor", { value: ClockDate, writable: true, configurable: true });

  // --- timers
  interface Timer {
    id: number;
    due: number;
    every: number | null;
    act(): void;
  }
  let timers: Timer[] = [];
  let nextTimer = 1;
  let elapsedVirtually = 0;
  const addTimer =
    (repeats: boolean) =>
    (act: unknown, delay?: unknown, ...args: unknown[]) => {
      if (typeof act !== "function") throw new TypeError("The callback of a timer must be a function");
      const given = Number(delay);
      const wait = given >= 1 ? given : 1;
      const id = nextTimer++;
      timers[timers.length] = {
        id,
        due: elapsedVirtually + wait,
        every: repeats ? wait : null,
        act: () => apply(act as () => void, undefined, args),
      };
      return id;
    };
  const dropTimer = (id: unknown) => {
    timers = timers.filter((timer) => timer.id !== id);
  };
  const addTimeout = addTimer(false);

  // --- what the snippet finds
  const watched: unknown[] = [];
  const globals: Record<string, unknown> = {
    console,
    Date: ClockDate,
    performance: { now: () => now() - start },
    setTimeout: addTimeout,
    setInterval: addTimer(true),
    setImmediate: (act: unknown, ...args: unknown[]) => addTimeout(act, 0, ...args),
    clearTimeout: dropTimer,
    clearInterval: dropTimer,
    clearImmediate: dropTimer,
    queueMicrotask: (act: () => void) => {
      if (typeof act !== "function") throw new TypeError("The argument of queueMicrotask must be a function");
      watched[watched.length] = later.call(Promise.resolve(), () => act());
    },
  };
  for (const name of ownKeys(globals))
    defineProperty(globalThis, name, {
      value: globals[name as string],
      writable: true,
      configurable: true,
      enumerable: false,
    });

  return {
    encode: (value) => encode([value], maxLevels, maxItems),
    describe(thrown) {
      if (!(thrown instanceof Error)) return `{"value":${encode([thrown], maxLevels, maxItems)}}`;
      const { name, message, stack } = facts(thrown);
      return `{"name":${quote(name)},"message":${quote(message)},"stack":${quote(stack)},"value":${encode([thrown], maxLevels, maxItems)}}`;
    },
    watch(value) {
      if (value instanceof Promise) watched[watched.length] = value;
      return value;
    },
    rejected() {
      for (let i = 0; i < watched.length; i++) {
        const [found, reason] = host.promiseState(watched[i]);
        if (found === 2) return [reason];
      }
      return undefined;
    },
    tick() {
      let first: Timer | undefined;
      for (let i = 0; i < timers.length; i++) if (!first || timers[i]!.due < first.due) first = timers[i];
      if (!first) return false;
      const chosen = first;
      moved += isInteger(chosen.due) ? chosen.due - elapsedVirtually : 0;
      elapsedVirtually = chosen.due;
      if (chosen.every === null) dropTimer(chosen.id);
      else chosen.due += chosen.every;
      chosen.act();
      return true;
    },
    settle() {
      timers = [];
      watched.length = 0;
    },
  };
}
