// The stepper's part in the page: a module as anywidget has it. It stands alone, because it travels as text.

interface Token {
  id: number;
  text: string;
  source: string;
  logprob?: number;
  entropy?: number;
}

interface Call {
  code: string;
  output: string;
  edited: boolean;
  status: string;
}

interface Branch {
  id: number;
  name: string;
  from?: { branch: number; token: number };
  promptLength: number;
  tokens: Token[];
  calls: Call[];
  pending?: string;
  stopReason?: string;
  reward?: number;
  correct?: boolean;
  answer?: string;
  failure?: string;
}

interface View {
  branches: Branch[];
  isBusy: boolean;
  message: string;
  person: string | null;
  candidates: { branch: number; at: number; tokens: { id: number; text: string; probability: number }[] } | null;
}

interface Model {
  get(name: "view"): View;
  on(event: "change:view", listener: () => void): void;
  off(event: "change:view", listener: () => void): void;
  send(content: unknown): void;
}

/** What a person writes, and what becomes of it. */
interface Editor {
  label: string;
  text: string;
  confirm: string;
  apply(text: string): void;
}

/** What the page alone knows; it outlives the views, of which there may be several. */
interface Looks {
  branch: number;
  other: number | undefined;
  token: number | undefined;
  editor: Editor | undefined;
  /** Turns that are opened, as `branch:turn`. */
  opened: Set<string>;
  listeners: Set<() => void>;
}

/** Views of one stepper that are kept up to date, the newest. */
const maxViews = 8;

type Child = Node | string | undefined | false;

function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
  return element;
}

function button(label: string, onclick: () => void, title = ""): HTMLButtonElement {
  return h("button", { type: "button", textContent: label, title, onclick });
}

const number = (value: number | undefined, digits: number): string =>
  value === undefined ? "–" : value.toFixed(digits);

/** How many tokens two branches have in common from the beginning. */
function common(a: Branch, b: Branch): number {
  let same = 0;
  while (same < a.tokens.length && same < b.tokens.length && a.tokens[same]!.id === b.tokens[same]!.id) same++;
  return same;
}

function caption({ tokens, calls, pending, stopReason, reward, correct, answer, failure }: Branch): string {
  const sampled = tokens.filter(({ source }) => source === "sampled").length;
  return [
    `${tokens.length} tokens, ${sampled} sampled, ${calls.length} tool calls`,
    pending !== undefined && "code waits to be executed",
    stopReason ?? "open",
    failure,
    reward !== undefined && `reward ${reward} (${correct ? "correct" : `expected ${answer}`})`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** One view of a stepper. */
class StepperView {
  readonly #model: Model;
  readonly #looks: Looks;
  readonly #tabs = h("div", { className: "cir-tabs" });
  readonly #buttons: Record<"token" | "turn" | "finish" | "stop" | "likely", HTMLButtonElement>;
  readonly #message = h("div", { className: "cir-message" });
  readonly #candidates = h("div", { className: "cir-candidates" });
  readonly #columns = h("div", { className: "cir-columns" });
  readonly #detail = h("div", { className: "cir-detail" });
  readonly #editor = h("div", { className: "cir-editor" });
  #shownEditor: Editor | undefined;
  #wasAsked = false;

  constructor(model: Model, looks: Looks, place: HTMLElement) {
    this.#model = model;
    this.#looks = looks;
    const act = (action: string) => () => this.#send(action);
    this.#buttons = {
      token: button("Next token", act("token")),
      turn: button("Next turn", act("turn"), "Up to and through the next execution"),
      finish: button("Finish", act("finish"), "To the end, with its reward"),
      stop: button("Stop", () => model.send({ action: "stop" }), "End after the token in flight"),
      likely: button("Likely tokens", act("candidates"), "The most likely next tokens; a click forces one, in a fork"),
    };
    this.#message.setAttribute("role", "status");
    this.#tabs.setAttribute("role", "group");
    this.#tabs.setAttribute("aria-label", "Branches");
    place.append(
      h(
        "div",
        { className: "cir-stepper" },
        this.#tabs,
        h("div", { className: "cir-buttons" }, ...Object.values(this.#buttons)),
        this.#message,
        this.#candidates,
        this.#columns,
        this.#detail,
        this.#editor,
      ),
    );
  }

  draw(): void {
    const view = this.#model.get("view");
    const looks = this.#looks;
    const branch = view.branches.find(({ id }) => id === looks.branch) ?? view.branches[0]!;
    const other = view.branches.find(({ id }) => id === looks.other && id !== branch.id);
    const isDone = branch.stopReason !== undefined;
    const { token, turn, finish, stop, likely } = this.#buttons;
    for (const one of [token, turn, finish]) one.disabled = isDone;
    likely.disabled = isDone || branch.pending !== undefined;
    stop.disabled = !view.isBusy;
    this.#message.textContent = view.message || (view.isBusy ? "…" : "");
    this.#drawTabs(view.branches, branch, other);
    this.#drawCandidates(view, branch);
    const tops = [...this.#columns.querySelectorAll(".cir-strip")].map(({ scrollTop }) => scrollTop);
    const shared = other ? common(branch, other) : undefined;
    this.#columns.replaceChildren(
      this.#column(branch, shared, true),
      ...(other ? [this.#column(other, shared, false)] : []),
    );
    for (const [i, strip] of [...this.#columns.querySelectorAll(".cir-strip")].entries())
      strip.scrollTop = tops[i] ?? 0;
    this.#drawDetail(branch);
    this.#askPerson(view);
    this.#drawEditor();
  }

  #drawTabs(branches: Branch[], branch: Branch, other: Branch | undefined): void {
    const parent = (id: number) => branches.find((one) => one.id === id)?.name ?? "a closed branch";
    const tabs = branches.map(({ id, name, from }) => {
      const title = from ? `from ${parent(from.branch)} at token ${from.token}` : "the rollout itself";
      const tab = button(name, () => this.#choose({ branch: id, token: undefined }), title);
      tab.setAttribute("aria-pressed", String(id === branch.id));
      return tab;
    });
    const compare = h("select", {
      onchange: () => this.#choose({ other: compare.value ? Number(compare.value) : undefined }),
    });
    compare.setAttribute("aria-label", "Compare with");
    compare.append(
      h("option", { value: "", textContent: "compare with…" }),
      ...branches
        .filter(({ id }) => id !== branch.id)
        .map(({ id, name }) => h("option", { value: String(id), textContent: name })),
    );
    compare.value = other ? String(other.id) : "";
    const close = branch.id !== 0 && button("Close branch", () => this.#send("drop"));
    const focused = this.#tabs.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
    this.#tabs.replaceChildren(...tabs, ...(branches.length > 1 ? [compare] : []), ...(close ? [close] : []));
    tabs.find(({ textContent }) => textContent === focused)?.focus();
  }

  #drawCandidates({ candidates }: View, branch: Branch): void {
    const isOfNow = candidates?.branch === branch.id && candidates.at === branch.tokens.length && !branch.stopReason;
    this.#candidates.hidden = !isOfNow;
    if (!isOfNow) {
      this.#candidates.replaceChildren();
      return;
    }
    this.#candidates.replaceChildren(
      ...candidates.tokens.map(({ id, text, probability }) => {
        const share = `${(100 * probability).toFixed(1)} %`;
        const choice = button(
          "",
          () => this.#send("force", { token: branch.tokens.length, what: [id] }),
          `Force this token, in a fork (${share})`,
        );
        choice.append(h("code", { textContent: text }), ` ${share}`);
        return choice;
      }),
    );
  }

  #column(branch: Branch, shared: number | undefined, isChosen: boolean): HTMLElement {
    const { promptLength, tokens, calls, pending, name } = branch;
    const strip = h("div", { className: "cir-strip", tabIndex: 0 });
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", `Tokens of ${name}`);
    for (const [i, { text, source, logprob, entropy, id }] of tokens.entries()) {
      const token = h("span", { className: `cir-token cir-${source}`, textContent: text });
      token.title = `#${i}, ${source}, id ${id}, logprob ${number(logprob, 3)}, entropy ${number(entropy, 2)}`;
      token.dataset.token = String(i);
      if (shared !== undefined && i >= shared) token.classList.add("cir-differs");
      if (isChosen && i === this.#looks.token) token.classList.add("cir-chosen");
      strip.append(token);
    }
    const choose = (token: number | undefined) => this.#choose({ branch: branch.id, token });
    strip.onclick = ({ target }) => {
      const at = (target as HTMLElement).dataset.token;
      if (at !== undefined) choose(Number(at));
    };
    strip.onkeydown = (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const from = this.#looks.token ?? (step > 0 ? promptLength - 1 : tokens.length);
      choose(Math.min(Math.max(from + step, 0), tokens.length - 1));
      this.#columns.querySelector<HTMLElement>(".cir-strip")?.focus();
    };
    const turns = calls.map((call, i) => this.#turn(branch, i + 1, call));
    if (pending !== undefined) turns.push(this.#turn(branch, calls.length + 1, { code: pending }));
    return h(
      "div",
      { className: "cir-column" },
      h("div", { className: "cir-caption" }, h("b", { textContent: name }), ` · ${caption(branch)}`),
      strip,
      ...turns,
    );
  }

  /** One execution: its code and what it gave, each with a way to another one. */
  #turn(branch: Branch, turn: number, { code, output, status, edited }: Partial<Call> & { code: string }): HTMLElement {
    const edit = (label: string, text: string, action: string) => () =>
      this.#edit({
        label: `${label} of turn ${turn}, ${branch.name}`,
        text,
        confirm: "Go on with it in a fork",
        apply: (changed) => this.#send(action, { branch: branch.id, turn, text: changed }),
      });
    const key = `${branch.id}:${turn}`;
    const { opened } = this.#looks;
    const details = h(
      "details",
      { className: "cir-turn", open: opened.has(key) },
      h("summary", {
        textContent: `Turn ${turn}: ${output === undefined ? "waits" : edited ? `${status}, edited` : status}`,
      }),
      h("pre", { textContent: code }),
      output !== undefined && h("pre", { className: "cir-output", textContent: output }),
      h(
        "div",
        { className: "cir-buttons" },
        button("Edit code…", edit("Code", code, "code")),
        output !== undefined && button("Edit output…", edit("Output", output, "output")),
      ),
    );
    details.ontoggle = () => (details.open ? opened.add(key) : opened.delete(key));
    return details;
  }

  #drawDetail(branch: Branch): void {
    const at = this.#looks.token;
    const token = at === undefined ? undefined : branch.tokens[at];
    this.#detail.hidden = !token;
    if (!token || at === undefined) {
      this.#detail.replaceChildren();
      return;
    }
    const { text, source, id, logprob, entropy } = token;
    const isPrompt = at < branch.promptLength;
    const facts = ` #${at}, ${source}, id ${id}, logprob ${number(logprob, 3)}, entropy ${number(entropy, 2)} `;
    const force = () =>
      this.#edit({
        label: `In place of token ${at} of ${branch.name}`,
        text: "",
        confirm: "Force it in a fork",
        apply: (what) => this.#send("force", { branch: branch.id, token: at, what }),
      });
    this.#detail.replaceChildren(
      h("code", { textContent: text }),
      facts,
      ...(isPrompt
        ? []
        : [
            button(
              "Fork before it",
              () => this.#send("fork", { branch: branch.id, token: at, redraw: true }),
              "With another draw",
            ),
            button(
              "Fork after it",
              () => this.#send("fork", { branch: branch.id, token: at + 1, redraw: true }),
              "With another draw",
            ),
            button("Force another…", force),
          ]),
    );
  }

  /** The person whom the rollout waits for writes in the same place. */
  #askPerson({ person }: View): void {
    const looks = this.#looks;
    if (person === null) {
      if (this.#wasAsked) looks.editor = undefined;
      this.#wasAsked = false;
      return;
    }
    if (this.#wasAsked) return;
    this.#wasAsked = true;
    looks.editor = {
      label: person,
      text: "",
      confirm: "Write and end the turn",
      apply: (text) => this.#model.send({ action: "write", text, next: "end" }),
    };
  }

  /** Made anew only for another text: what a person is writing stays. */
  #drawEditor(): void {
    const { editor } = this.#looks;
    if (editor === this.#shownEditor) return;
    this.#shownEditor = editor;
    if (!editor) {
      this.#editor.replaceChildren();
      return;
    }
    const field = h("textarea", {
      value: editor.text,
      rows: Math.min(12, editor.text.split("\n").length + 2),
      spellcheck: false,
    });
    field.setAttribute("aria-label", editor.label);
    // The notebook has shortcuts on most keys.
    field.onkeydown = (event) => event.stopPropagation();
    field.oninput = () => {
      editor.text = field.value;
    };
    const done = () => {
      this.#edit(undefined);
      editor.apply(field.value);
    };
    this.#editor.replaceChildren(
      h("div", { className: "cir-label", textContent: editor.label }),
      field,
      h(
        "div",
        { className: "cir-buttons" },
        button(editor.confirm, done),
        button("Cancel", () => this.#cancel()),
      ),
    );
    field.focus();
  }

  #cancel(): void {
    if (this.#wasAsked) this.#model.send({ action: "stop" });
    this.#edit(undefined);
  }

  #edit(editor: Editor | undefined): void {
    this.#looks.editor = editor;
    this.#tell();
  }

  #choose(changes: Partial<Pick<Looks, "branch" | "other" | "token">>): void {
    Object.assign(this.#looks, changes);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#looks.listeners) listener();
  }

  #send(action: string, details: Record<string, unknown> = {}): void {
    const { branches } = this.#model.get("view");
    const branch = branches.find(({ id }) => id === this.#looks.branch) ?? branches[0]!;
    this.#model.send({ action, branch: branch.id, ...details });
  }
}

/** Looks at the branch that has just been made, beside the one that it came from. */
function showNewest(model: Model, looks: Looks): () => void {
  let known = new Set(model.get("view").branches.map(({ id }) => id));
  return () => {
    const { branches } = model.get("view");
    const made = branches.find(({ id }) => !known.has(id));
    known = new Set(branches.map(({ id }) => id));
    if (!made) return;
    Object.assign(looks, { branch: made.id, other: made.from?.branch, token: undefined });
  };
}

/** Called once for each widget: what the views of one have in common lives here. */
export default (): {
  initialize(widget: { model: Model }): void;
  render(widget: { model: Model; el: HTMLElement }): () => void;
} => {
  const looks: Looks = {
    branch: 0,
    other: undefined,
    token: undefined,
    editor: undefined,
    opened: new Set(),
    listeners: new Set(),
  };
  return {
    initialize({ model }) {
      const look = showNewest(model, looks);
      model.on("change:view", () => {
        look();
        for (const listener of looks.listeners) listener();
      });
    },
    render({ model, el }) {
      const view = new StepperView(model, looks, el);
      const draw = () => view.draw();
      looks.listeners.add(draw);
      // Applications that show an output anew do not always say that the view before is gone.
      const [oldest] = looks.listeners;
      if (oldest && looks.listeners.size > maxViews) looks.listeners.delete(oldest);
      draw();
      return () => looks.listeners.delete(draw);
    },
  };
};
