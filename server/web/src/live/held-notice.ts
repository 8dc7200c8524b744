import { button, h } from "./dom.ts";

/** Says that a step waits for its update, and leads to its rollouts; hidden while none does. */
export class HeldNotice {
  readonly node = h("div", { className: "cirlab-run-held", hidden: true });
  readonly #opener: () => ((step: number) => void) | undefined;
  #step: number | undefined;

  /** @param opener what opens a step's rollouts, where the page has something to show them with. */
  constructor(opener: () => ((step: number) => void) | undefined) {
    this.#opener = opener;
    this.node.setAttribute("role", "status");
  }

  /** @param step the step that is held, if any. */
  show(step: number | undefined): void {
    if (step === this.#step) return;
    this.#step = step;
    this.node.hidden = step === undefined;
    const open = this.#opener();
    this.node.replaceChildren(
      `Step ${step ?? ""} is collected and held before its update. `,
      ...(step !== undefined && open
        ? [button("Change its rollouts…", () => open(step), "Open them: edit calls, or write on in them")]
        : []),
    );
  }
}
