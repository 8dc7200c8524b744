import { AsyncLocalStorage } from "node:async_hooks";
import { Worker } from "node:worker_threads";
import { siblingModule } from "../package.ts";
import { type Cell, newCell } from "./cell.ts";
import { emit } from "./emit.ts";
import { errorReport, KernelInterrupt, labelIn } from "./errors.ts";
import { interruptFlag, interruptsBefore, interruptsHeard, shieldDepth } from "./flags.ts";
import { guard } from "./guard.ts";
import type { CellOutcome } from "./wire.ts";

/** How long an interrupted cell may take to end by itself when the lab's code in it watches the signal. */
const graceMs = 1500;
/** The same while it is in shielded code. */
const shieldGraceMs = 5000;

/** A call of shielded code. */
interface Shield {
  cell: Cell | undefined;
  /** Its synchronous part runs. */
  isSync: boolean;
}

const { setTimeout: startTimer } = globalThis;
/** How many cells late errors can be told under. */
const rememberedCells = 1000;
/** Of the work beside the cells, how much an interrupt can still reach. */
const rememberedBeside = 100;

/** The cells of a session: which one runs, which one a piece of code belongs to, and how they are stopped. */
export class Cells {
  readonly flag = guard.flags;
  readonly #context = new AsyncLocalStorage<Cell>();
  /** Those whose outcome is not known; the main shell has at most one, and so has each subshell. */
  readonly #running = new Set<Cell>();
  #last: Cell | undefined;
  /** What the page's messages started, the newest last; nobody tells when it ends. */
  readonly #beside: Cell[] = [];
  readonly #shields = new Set<Shield>();
  /** Message ids of the cells that ran, by their names in stack traces. */
  readonly #ids = new Map<string, string>();
  /** The last error that a timer's callback threw. */
  #thrown: { error: unknown; cell: Cell | undefined } | undefined;

  constructor() {
    const watchdog = new Worker(siblingModule(import.meta.url, "./watchdog"), {
      workerData: { flags: this.flag.buffer },
      stdout: true,
      stderr: true,
    });
    watchdog.unref();
    watchdog.on("message", () => {
      if (Atomics.exchange(this.flag, interruptFlag, 0) === 0) return;
      const targets = this.#targets();
      for (const cell of targets) this.interrupt(cell);
      // While no cell runs, what is meant is the work that the page's listeners do.
      if (!targets.length)
        for (const cell of this.#beside) if (cell.watchesSignal && !cell.interrupted) this.#stop(cell);
    });
  }

  /** The cell that the calling code belongs to; for code without one, a running cell or the last that ran. */
  here(): Cell | undefined {
    return this.#context.getStore() ?? this.#targets()[0] ?? this.#last;
  }

  /** What an interrupt stops: the cell of the main shell, and where that is idle the cells of all subshells. */
  #targets(): Cell[] {
    const running = [...this.#running];
    const main = running.filter((cell) => cell.subshell === undefined);
    return main.length > 0 ? main : running;
  }

  /** Runs the code of a new cell, which is a running one until its outcome is known. */
  start(
    head: { id: string; label: string; frontCellId?: string; subshell?: string; interrupts: number },
    run: (cell: Cell) => Promise<CellOutcome>,
  ): void {
    const cell = newCell(head);
    // An interrupt of a cell before must not hit this one.
    Atomics.store(this.flag, interruptsBefore, head.interrupts);
    const isForAnother = Atomics.load(this.flag, interruptsHeard) <= head.interrupts;
    if (this.#running.size === 0 && isForAnother) Atomics.store(this.flag, interruptFlag, 0);
    this.#running.add(cell);
    this.#last = cell;
    this.#ids.set(head.label, head.id);
    if (this.#ids.size > rememberedCells) this.#ids.delete(this.#ids.keys().next().value!);
    this.#context.run(cell, () => {
      run(cell).then(
        (outcome) => this.finish(cell, outcome),
        (error: unknown) => this.finish(cell, this.outcomeOf(cell, error)),
      );
    });
  }

  /**
   * Runs code beside the running cell; its output belongs to message `id`. An interrupt while no cell runs reaches it if
   * it is of the page: unlike work in the background, somebody waits for it there.
   */
  beside<T>(id: string, run: () => T, { isOfPage = this.owner()?.isOfPage ?? false } = {}): T {
    const cell = newCell({ id, isOfPage });
    if (isOfPage) this.#beside.push(cell);
    // Most messages of pages start nothing that an interrupt could stop: those make room first.
    if (this.#beside.length > rememberedBeside)
      this.#beside.splice(
        Math.max(
          0,
          this.#beside.findIndex((one) => !one.watchesSignal),
        ),
        1,
      );
    return this.#context.run(cell, run);
  }

  outcomeOf(cell: Cell, error: unknown): CellOutcome {
    return { status: "error", interrupted: cell.interrupted, ...errorReport(error) };
  }

  finish(cell: Cell, outcome: CellOutcome): void {
    if (cell.done) return;
    cell.done = true;
    this.#running.delete(cell);
    emit({ type: "done", id: cell.id, defined: cell.definedNames(), outcome });
    // It holds the values of the names before the cell.
    cell.definedNames = () => [];
  }

  /**
   * Stops a cell: its signal is aborted first. A cell whose lab code watches the signal gets time to end at a safe
   * point; any other one is given up at once, and what it left running stops at its next await, timer or loop.
   */
  interrupt(cell: Cell): void {
    if (cell.interrupted) return;
    this.#stop(cell);
    emit({ type: "interrupting", id: cell.id });
    if (!cell.watchesSignal && !this.#isShielded(cell)) {
      this.#abandon(cell);
      return;
    }
    startTimer(() => {
      if (cell.done || !this.#isShielded(cell)) return this.#abandon(cell);
      startTimer(() => this.#abandon(cell), shieldGraceMs - graceMs);
    }, graceMs);
  }

  /** Stops the cell of a run, unless it has ended or is stopping already. */
  interruptRun(id: string): void {
    for (const cell of this.#running) if (cell.id === id) this.interrupt(cell);
  }

  /** Called by instrumented loops while an interrupt waits. */
  checkLoop(): void {
    if (this.flag[shieldDepth] !== 0) return;
    const cell = this.#context.getStore();
    const isLate = this.flag[interruptFlag] === 2;
    if (cell && this.#targets().includes(cell)) {
      // The flag stays up until the thread is free: code that catches the error meets the next check.
      this.interrupt(cell);
      // Code that watches the signal ends at a place of its own choice, if that comes soon.
      if (cell.watchesSignal && !isLate) return;
      throw new KernelInterrupt();
    }
    // A loop that an older cell left behind blocks the thread, so that the interrupt cannot reach the running cell.
    if (cell?.interrupted || isLate) {
      if (cell) cell.abandoned = true;
      throw new KernelInterrupt();
    }
  }

  /** Gets every value that a cell's code awaited. */
  checkAwait<T>(value: T): T {
    if (this.#context.getStore()?.interrupted) throw new KernelInterrupt();
    return value;
  }

  /** Called before code of `cell` goes on after an await. */
  checkResumption(cell: Cell | undefined): void {
    if (this.flag[interruptFlag] !== 0) this.checkLoop();
    if (cell?.interrupted) throw new KernelInterrupt();
  }

  /** The cell that the calling code belongs to, if it belongs to any. */
  owner(): Cell | undefined {
    return this.#context.getStore();
  }

  /** Calls code of cells so that an interrupt can end it wherever it is. */
  guarded<T>(run: () => T): T {
    if (guard.isInside) return run();
    const cell = this.#context.getStore();
    return guard.call(run, () => this.#cut(cell));
  }

  /** Wraps a timer's callback: it can be interrupted, and does nothing once its cell is given up. */
  guardTimer<A extends unknown[]>(callback: (...args: A) => unknown): (...args: A) => unknown {
    const cells = this;
    const cell = this.#context.getStore();
    return function (this: unknown, ...args) {
      if (cell?.abandoned) return undefined;
      try {
        return cells.guarded(() => Reflect.apply(callback, this, args));
      } catch (error) {
        cells.#thrown = { error, cell };
        throw error;
      }
    };
  }

  /** Where an error comes from that no code caught, and whether that cell was given up. */
  originOf(error: unknown, promise: Promise<unknown> | undefined): { id: string | undefined; abandoned: boolean } {
    const cell =
      (this.#thrown && this.#thrown.error === error ? this.#thrown.cell : undefined) ??
      this.#storeOf(promise) ??
      this.#context.getStore();
    if (cell) return { id: cell.id, abandoned: cell.abandoned };
    const label = error instanceof Error ? labelIn(error.stack) : undefined;
    return { id: (label ? this.#ids.get(label) : undefined) ?? this.here()?.id, abandoned: false };
  }

  /** Up to Node 22 the handler of rejections runs in no context, but the promise has one. */
  #storeOf(promise: Promise<unknown> | undefined): Cell | undefined {
    const { kResourceStore } = this.#context as unknown as { kResourceStore?: symbol };
    if (!promise || !kResourceStore) return undefined;
    return (promise as unknown as Record<symbol, Cell | undefined>)[kResourceStore];
  }

  /** Runs code that an interrupt does not cut, up to its limits. */
  shield<T>(run: () => T): T {
    const shield: Shield = { cell: this.here(), isSync: true };
    this.#shields.add(shield);
    this.#countShields();
    try {
      const result = run();
      if (!(result instanceof Promise)) return result;
      shield.isSync = false;
      return result.finally(() => this.#leave(shield)) as T;
    } finally {
      if (shield.isSync) this.#leave(shield);
    }
  }

  #leave(shield: Shield): void {
    this.#shields.delete(shield);
    this.#countShields();
  }

  #countShields(): void {
    Atomics.store(this.flag, shieldDepth, this.#shields.size);
  }

  #isShielded(cell: Cell): boolean {
    return [...this.#shields].some((shield) => shield.cell === cell);
  }

  /** SIGINT ended code of `cell`. Returns what is thrown in its place. */
  #cut(cell: Cell | undefined): KernelInterrupt {
    // No "finally" has run: contexts and shields that the code had entered are left here.
    this.#context.enterWith(cell as Cell);
    for (const shield of this.#shields) if (shield.isSync) this.#leave(shield);
    if (cell && this.#targets().includes(cell)) {
      Atomics.store(this.flag, interruptFlag, 0);
      const others = this.#targets().filter((other) => other !== cell);
      this.#stop(cell);
      this.#abandon(cell);
      for (const other of others) this.interrupt(other);
    } else if (cell) {
      // An older cell's code was in the way; the request still stands for the running one.
      this.#stop(cell);
      cell.abandoned = true;
    }
    return new KernelInterrupt();
  }

  #stop(cell: Cell): void {
    cell.interrupted = true;
    cell.controller.abort(new KernelInterrupt());
  }

  #abandon(cell: Cell): void {
    cell.abandoned = true;
    this.finish(cell, { status: "error", interrupted: true, ...errorReport(new KernelInterrupt()) });
  }
}
