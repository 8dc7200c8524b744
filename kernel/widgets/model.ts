import { type Packed, pack, unpack } from "./buffers.ts";
import { type Comm, host } from "./host.ts";

// Version 2.1 of the widget protocol: ipywidgets, packages/schema/messages.md.
const target = "jupyter.widget";
const protocolVersion = "2.1.0";
const controlTarget = "jupyter.widget.control";

export type State = Readonly<Record<string, unknown>>;

/** Which code of the page works on a model and shows it. */
export interface Identity {
  module: string;
  /** The versions of the module that will do, as a semver range. */
  version: string;
  model: string;
  /** None for models without a look of their own. */
  view: string | null;
  /** Module of the view where it is another one. */
  viewModule?: string;
}

/** What the owner of a model does with what comes from the page. */
export interface ModelOwner {
  /** Which of the page's changes hold, and as what values. What is left out or altered, the page takes back. */
  accept?(changes: State): State;
  /** The state is no longer what it was. */
  changed?(previous: State): void;
  message?(content: unknown, buffers: Uint8Array[]): void;
  closed?(): void;
}

/** All models that live, in the order in which they were made: what a page needs to come up with them again. */
const live = new Map<string, Model>();

/** One half of a model that lives in the kernel and in every page; each tells the other of changes. */
export class Model {
  readonly identity: Identity;
  readonly #owner: ModelOwner;
  readonly #comm: Comm;
  #state: Record<string, unknown>;
  #isClosed = false;

  constructor(identity: Identity, state: State, owner: ModelOwner = {}) {
    this.identity = identity;
    this.#owner = owner;
    this.#state = {
      _model_module: identity.module,
      _model_module_version: identity.version,
      _model_name: identity.model,
      _view_module: identity.viewModule ?? identity.module,
      _view_module_version: identity.version,
      _view_name: identity.view,
      ...state,
    };
    answerControl();
    const { state: json, paths, buffers } = this.packed();
    const data = { state: json, buffer_paths: paths };
    this.#comm = host().openComm(target, data, { version: protocolVersion }, buffers);
    live.set(this.id, this);
    this.#comm.onMessage((data, buffers) => this.#receive(data, buffers));
    this.#comm.onClose(() => this.#end());
  }

  get id(): string {
    return this.#comm.id;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get state(): State {
    return this.#state;
  }

  /** The state, or the named parts of it, as it travels. */
  packed(names = Object.keys(this.#state)): Packed {
    const part = Object.fromEntries(names.map((name) => [name, this.#state[name]]));
    return pack(part, (value) => {
      const model = modelOf(value);
      return model && `IPY_MODEL_${model.id}`;
    });
  }

  /** Changes the state here and in every page. */
  set(changes: State): void {
    const names = Object.keys(changes).filter((name) => !isSame(this.#state[name], changes[name]));
    if (names.length === 0) return;
    const previous = this.#apply(changes);
    this.#sendState(names);
    this.#owner.changed?.(previous);
  }

  /** Sends a message of the widget's own kind to every page. */
  send(content: unknown, buffers: Uint8Array[] = []): void {
    this.#comm.send({ method: "custom", content }, buffers);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#end();
    this.#comm.close();
  }

  #end(): void {
    this.#isClosed = true;
    live.delete(this.id);
    this.#owner.closed?.();
  }

  /** @returns the state before */
  #apply(changes: State): State {
    const previous = this.#state;
    this.#state = { ...previous, ...changes };
    return previous;
  }

  #sendState(names: string[]): void {
    const { state, paths, buffers } = this.packed(names);
    this.#comm.send({ method: "update", state, buffer_paths: paths }, buffers);
  }

  #receive(data: unknown, buffers: Uint8Array[]): void {
    const message = data as { method?: unknown; state?: unknown; buffer_paths?: unknown; content?: unknown };
    switch (message.method) {
      case "update":
        this.#receiveState(message.state, message.buffer_paths, buffers);
        return;
      case "request_state":
        this.#sendState(Object.keys(this.#state));
        return;
      case "custom":
        this.#owner.message?.(message.content, buffers);
        return;
    }
  }

  /** The page changed something. All pages hear it (several may show the widget), then the owner decides. */
  #receiveState(sent: unknown, paths: unknown, buffers: Uint8Array[]): void {
    if (typeof sent !== "object" || sent === null) return;
    const names = Object.keys(sent).filter((name) => Object.hasOwn(this.#state, name));
    if (names.length === 0) return;
    const echo = Object.fromEntries(names.map((name) => [name, (sent as State)[name]]));
    this.#comm.send({ method: "echo_update", state: echo, buffer_paths: paths ?? [] }, buffers);
    let accepted: State = {};
    const changes = { ...echo };
    try {
      unpack(changes, paths, buffers);
      accepted = this.#owner.accept?.(changes) ?? {};
    } finally {
      const previous = this.#apply(accepted);
      const refused = Object.keys(changes).filter((name) => !isTaken(changes[name], accepted[name]));
      if (refused.length > 0) this.#sendState(refused);
      if (Object.keys(accepted).some((name) => !isSame(previous[name], accepted[name])))
        this.#owner.changed?.(previous);
    }
  }
}

/** Objects that stand for a model in the state of another one. */
const owners = new WeakMap<object, Model>();

/** From now on `owner` in a model's state means `model`. */
export function standFor(owner: object, model: Model): void {
  owners.set(owner, model);
}

function modelOf(value: object): Model | undefined {
  return value instanceof Model ? value : owners.get(value);
}

/** Arrays and objects count as new: nobody can tell what was done to them. */
function isSame(a: unknown, b: unknown): boolean {
  return Object.is(a, b) && (typeof a !== "object" || a === null);
}

/** Whether the page's value holds. Objects are taken or left as a whole; the last digits of a number may differ. */
function isTaken(sent: unknown, accepted: unknown): boolean {
  if (typeof sent === "number" && typeof accepted === "number") {
    return Math.abs(sent - accepted) <= 1e-9 * Math.max(Math.abs(sent), Math.abs(accepted));
  }
  return Object.is(sent, accepted) || (typeof accepted === "object" && accepted !== null);
}

let answersControl = false;

/** A page that comes to a running kernel asks on a comm of its own for the state of everything that lives. */
function answerControl(): void {
  if (answersControl) return;
  answersControl = true;
  host().registerTarget(controlTarget, (comm) => {
    comm.onMessage((data) => {
      if ((data as { method?: unknown }).method !== "request_states") return;
      const states: Record<string, unknown> = {};
      const paths: unknown[] = [];
      const buffers: Uint8Array[] = [];
      for (const [id, model] of live) {
        const packed = model.packed();
        const { module, version, model: name } = model.identity;
        states[id] = { model_name: name, model_module: module, model_module_version: version, state: packed.state };
        for (const path of packed.paths) paths.push([id, "state", ...path]);
        buffers.push(...packed.buffers);
      }
      comm.send({ method: "update_states", states, buffer_paths: paths }, buffers);
    });
  });
}
