import { checkFunction, checkOneOf, checkOptions, checkText } from "./checks.ts";
import { Listeners } from "./listeners.ts";
import { Control, type ControlOptions, control, controlOptions, controlState, style } from "./widget.ts";

const kinds = ["plain", "primary", "success", "info", "warning", "danger"] as const;

/** What `button` takes. */
export interface ButtonOptions extends ControlOptions {
  /** Name of a Font Awesome icon, for example "play". Default: none. */
  icon?: string;
  /** Colour, by meaning. Default: "plain". */
  kind?: (typeof kinds)[number];
}

const known = [...controlOptions, "icon", "kind"] as const;

/** Something to press. */
export class Button extends Control {
  readonly #listeners: Listeners<[]>;

  constructor(options: ButtonOptions = {}) {
    const what = "button";
    checkOptions(what, options, known);
    const listeners = new Listeners<[]>();
    const kind = checkOneOf(what, "kind", options.kind ?? "plain", kinds);
    super(
      {
        what,
        identity: control("Button"),
        state: {
          ...controlState(what, options),
          icon: checkText(what, "icon", options.icon ?? ""),
          button_style: kind === "plain" ? "" : kind,
        },
        layout: options.layout,
        style: { identity: style("Button") },
      },
      {
        message: (content) => {
          if ((content as { event?: unknown } | null)?.event === "click" && !this.disabled) listeners.call();
        },
      },
    );
    this.#listeners = listeners;
  }

  /**
   * Calls `listener` at each press. What it prints appears under the cell that called `onClick`; an error that it
   * throws is shown there and goes no further. A press does not wait for a listener that is still at work.
   * @returns a function that ends this
   */
  onClick(listener: () => unknown): () => void {
    checkFunction("button.onClick", "the listener", listener);
    return this.#listeners.add(listener);
  }

  protected content(): string {
    return "";
  }
}

/**
 * Makes a button.
 * @throws TypeError for options of the wrong kind
 *
 * @example
 * button({ label: "One step", icon: "step-forward" }).onClick(() => trainer.train(1).done());
 */
export function button(options: ButtonOptions = {}): Button {
  return new Button(options);
}
