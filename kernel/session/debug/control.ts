import type { Debugger, Runtime } from "node:inspector";
import { Catching } from "./catching.ts";
import type { Inspector } from "./inspector.ts";
import type { Stretch } from "./locations.ts";
import { type Frame, isDrivenHead, Stop, userFrames } from "./paused.ts";
import type { Script, Scripts } from "./scripts.ts";

export type StepKind = "next" | "stepIn" | "stepOut";
export type StopReason = "breakpoint" | "step" | "exception" | "pause";

interface Step {
  kind: StepKind;
  script: Script;
  functionName: string;
  line: number;
  depth: number;
  /** How often the main thread was moved on without the client seeing it. */
  moves: number;
}

/** After so many moves a step stops on whatever line of the user it is, or is given up. */
const maxMoves = 200;
/** How long a wish to pause waits for code of the user to run, before it tries again, in milliseconds. */
const pauseRetryMs = 30;
const maxTemporary = 200;
/** Chains of these are calls whose errors reach the code that awaits them. */
const awaited = /^(?:await|async function|Promise\.then)/;

interface Parts {
  inspector: Inspector;
  scripts: Scripts;
  hasPythonTypes: boolean;
  /** Whether the debugger has stopped for this error before; it counts as met from now on. */
  hasSeen(error: Runtime.RemoteObject): Promise<boolean>;
  stopped(reason: StopReason, text: string | undefined): void;
  continued(): void;
}

/** Decides where the main thread stops and makes it go on. */
export class Control {
  readonly #parts: Parts;
  readonly #catching: Catching;
  #stop: Stop | undefined;
  #step: Step | undefined;
  #wantsPause = false;
  #pauseTimer: NodeJS.Timeout | undefined;
  #skipsAll = false;
  #filters = new Set<string>();
  /** Breakpoints that end a step in the function that awaited the one that was left. */
  #temporary: string[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#catching = new Catching(parts.scripts);
  }

  /** Where the main thread stands; undefined while it runs. */
  get stop(): Stop | undefined {
    return this.#stop;
  }

  /** The same, for requests that need it. */
  get stopped(): Stop {
    if (!this.#stop) throw new Error("Nothing is stopped.");
    return this.#stop;
  }

  async setExceptionFilters(filters: readonly string[]): Promise<void> {
    this.#filters = new Set(filters);
    await this.#post("setPauseOnExceptions", { state: filters.length > 0 ? "all" : "none" });
  }

  async continue(): Promise<void> {
    this.stopped;
    await this.#leaveStop();
    await this.#post("resume");
  }

  async step(kind: StepKind): Promise<void> {
    const top = this.stopped.frames[0]!;
    this.#step = {
      kind,
      script: top.script,
      functionName: top.call.functionName,
      line: top.place.line,
      depth: this.stopped.frames.length,
      moves: 0,
    };
    await this.#leaveStop();
    await this.#move();
  }

  /** Stops at the next code of the user that runs. */
  async pause(): Promise<void> {
    if (this.#stop) return;
    this.#wantsPause = true;
    await this.#allowPauses();
    await this.#post("pause");
  }

  /** Goes on past everything that would stop, until the next cell begins. */
  async release(): Promise<void> {
    if (!this.#stop) return;
    this.#skipsAll = true;
    await this.#post("setSkipAllPauses", { skip: true });
    await this.#leaveStop();
    await this.#post("resume");
  }

  /** Called before a cell begins. */
  async #allowPauses(): Promise<void> {
    if (!this.#skipsAll) return;
    this.#skipsAll = false;
    await this.#post("setSkipAllPauses", { skip: false });
  }

  async beforeCell(): Promise<void> {
    await this.#allowPauses();
    // A step that ended with the cell before must not stop in this one.
    if (!this.#stop) this.#step = undefined;
  }

  close(): void {
    clearTimeout(this.#pauseTimer);
    this.#stop = undefined;
  }

  /** The main thread has stopped: for the client, or somewhere on its way. */
  async onPaused(event: Debugger.PausedEventDataType): Promise<void> {
    const frames = await userFrames(event.callFrames, this.#parts.scripts);
    const hits = event.hitBreakpoints ?? [];
    const isException = event.reason === "exception" || event.reason === "promiseRejection";
    if (isException) {
      const error = event.data as Runtime.RemoteObject | undefined;
      if (await this.#wantsException(event, frames, error)) {
        return this.#report(frames, "exception", error?.description?.split("\n")[0] ?? String(error?.value), error);
      }
      return this.#goOn();
    }
    if (frames.length > 0 && hits.some((hit) => !this.#temporary.includes(hit)))
      return this.#report(frames, "breakpoint");
    if (hits.length > 0 && frames.length > 0) return this.#report(frames, "step");
    if (this.#step) return this.#onStepped(event, frames, this.#step);
    const isOnTop = frames[0]?.call === event.callFrames[0];
    if (this.#wantsPause) {
      if (isOnTop) return this.#report(frames, "pause");
      return this.#seekUserCode(frames);
    }
    // A "debugger" statement.
    if (isOnTop) return this.#report(frames, "breakpoint");
    await this.#post("resume");
  }

  async #report(frames: Frame[], reason: StopReason, text?: string, error?: Runtime.RemoteObject): Promise<void> {
    this.#step = undefined;
    this.#wantsPause = false;
    clearTimeout(this.#pauseTimer);
    this.#seeks = 0;
    await this.#removeTemporary();
    this.#stop = new Stop(frames, error, this.#parts);
    this.#parts.stopped(reason, text);
  }

  async #leaveStop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    this.#parts.continued();
    await stop?.variables.clear();
  }

  async #goOn(): Promise<void> {
    if (this.#step) await this.#move();
    else await this.#post("resume");
  }

  #seeks = 0;

  /** The wish to pause was met by code that is not the user's. */
  async #seekUserCode(frames: Frame[]): Promise<void> {
    if (frames.length > 0 && this.#seeks++ < maxMoves) return this.#post("stepOut");
    if (frames.length === 0 && this.#seeks++ < maxMoves) return this.#post("stepInto");
    this.#seeks = 0;
    await this.#post("resume");
    this.#pauseTimer = setTimeout(() => {
      if (this.#wantsPause) this.#post("pause").catch(() => undefined);
    }, pauseRetryMs);
  }

  async #onStepped(event: Debugger.PausedEventDataType, frames: Frame[], step: Step): Promise<void> {
    const top = event.callFrames[0]!;
    const [frame] = frames;
    if (frame?.call === top) {
      const isSameLine = frame.script === step.script && frame.place.line === step.line && frames.length === step.depth;
      if (step.kind === "stepOut" || !isSameLine || step.moves >= maxMoves) return this.#report(frames, "step");
      return this.#move();
    }
    if (step.moves >= maxMoves) {
      this.#step = undefined;
      return this.#post("resume");
    }
    if (this.#parts.scripts.get(top.location.scriptId)) {
      step.moves++;
      const isHead = await isDrivenHead(top, this.#parts.scripts);
      if (isHead && step.kind === "stepIn") return this.#enterDriven(top);
      return this.#post(step.kind === "stepIn" ? "stepInto" : isHead ? "stepOut" : "stepOver");
    }
    step.moves++;
    // On its way into an async function it passes through the kernel.
    if (frames.length > 0) return this.#post(step.kind === "stepIn" ? "stepInto" : "stepOut");
    await this.#leaveRun(event, step);
  }

  /** The kernel calls the body of an async function: the step ends where that begins. */
  async #enterDriven({ location: start }: Debugger.CallFrame): Promise<void> {
    const { locations } = await this.#post<Debugger.GetPossibleBreakpointsReturnType>("getPossibleBreakpoints", {
      start,
    });
    // The head itself calls the kernel.
    const isLater = (place: Debugger.BreakLocation) =>
      place.type !== "call" &&
      (place.lineNumber > start.lineNumber || (place.columnNumber ?? 0) > (start.columnNumber ?? 0));
    this.#step = undefined;
    await this.#setTemporary(locations.filter(isLater).slice(0, 1));
    await this.#post("resume");
  }

  /** The step left the last frame: it ends where the code that awaits the function goes on. */
  async #leaveRun(event: Debugger.PausedEventDataType, step: Step): Promise<void> {
    this.#step = undefined;
    const callers = await this.#awaiting(event);
    const caller = callers.find(
      ({ scriptId, functionName }) => scriptId !== step.script.id || functionName !== step.functionName,
    );
    if (caller) await this.#stopIn(caller);
    await this.#post("resume");
  }

  /** The user's frames that wait for the one that runs, the nearest first. */
  async #awaiting(event: Debugger.PausedEventDataType): Promise<Runtime.CallFrame[]> {
    const found: Runtime.CallFrame[] = [];
    for (let trace = event.asyncStackTrace; trace && awaited.test(trace.description ?? ""); trace = trace.parent) {
      for (const frame of trace.callFrames) {
        const call = { location: frame } as unknown as Debugger.CallFrame;
        if (this.#parts.scripts.get(frame.scriptId) && !(await isDrivenHead(call, this.#parts.scripts)))
          found.push(frame);
      }
    }
    return found;
  }

  async #stopIn({ scriptId, lineNumber, columnNumber }: Runtime.CallFrame): Promise<void> {
    const { locations } = await this.#post<Debugger.GetPossibleBreakpointsReturnType>("getPossibleBreakpoints", {
      start: { scriptId, lineNumber, columnNumber },
      restrictToFunction: true,
    });
    await this.#setTemporary(locations.slice(0, maxTemporary));
  }

  async #setTemporary(locations: readonly Debugger.Location[]): Promise<void> {
    for (const { scriptId, lineNumber, columnNumber } of locations) {
      const location = { scriptId, lineNumber, columnNumber };
      await this.#post<Debugger.SetBreakpointReturnType>("setBreakpoint", { location }).then(
        ({ breakpointId }) => this.#temporary.push(breakpointId),
        // The client has one there.
        () => undefined,
      );
    }
  }

  async #removeTemporary(): Promise<void> {
    const ids = this.#temporary;
    this.#temporary = [];
    for (const breakpointId of ids) await this.#post("removeBreakpoint", { breakpointId });
  }

  /** Moves the main thread on for a step. */
  async #move(): Promise<void> {
    const step = this.#step!;
    step.moves++;
    if (step.kind === "stepOut") return this.#post("stepOut");
    const { id: scriptId, locations } = step.script;
    const asRange = ({ start, end }: Stretch) => ({
      scriptId,
      start: { lineNumber: start.line, columnNumber: start.column },
      end: { lineNumber: end.line, columnNumber: end.column },
    });
    // The rest of the line is passed at full speed, also a loop in it.
    if (step.kind === "next") return this.#post("stepOver", { skipList: locations.stretches(step.line).map(asRange) });
    return this.#post("stepInto");
  }

  async #wantsException(
    event: Debugger.PausedEventDataType,
    frames: readonly Frame[],
    error: Runtime.RemoteObject | undefined,
  ): Promise<boolean> {
    const [top] = frames;
    if (this.#filters.size === 0 || !top || !error || error.className === "KernelInterrupt") return false;
    const before = event.callFrames.slice(0, event.callFrames.indexOf(top.call));
    const outer = (await this.#awaiting(event)).map((frame) => ({ location: frame }) as unknown as Debugger.CallFrame);
    const ways = this.#filters.has("all") ? before : [...event.callFrames, ...outer];
    return !(await this.#catching.catches(ways)) && !(await this.#parts.hasSeen(error));
  }

  #post<T = void>(method: string, params: object = {}): Promise<T> {
    return this.#parts.inspector.post<T>(`Debugger.${method}`, params);
  }
}
