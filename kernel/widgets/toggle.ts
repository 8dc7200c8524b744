import { checkBoolean, checkOneOf, checkOptions } from "./checks.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What `toggle` takes. */
export interface ToggleOptions extends ControlOptions {
  /** Default: false. */
  value?: boolean;
  /** A box with a tick, or a button that stays down. Default: "checkbox". */
  as?: "checkbox" | "button";
}

const known = [...controlOptions, "value", "as"] as const;

/** Something that is on or off. */
export class Toggle extends ValueControl<boolean> {
  constructor(options: ToggleOptions = {}) {
    const what = "toggle";
    checkOptions(what, options, known);
    const isButton = checkOneOf(what, "as", options.as ?? "checkbox", ["checkbox", "button"]) === "button";
    super({
      what,
      identity: control(isButton ? "ToggleButton" : "Checkbox"),
      style: style(isButton ? "ToggleButton" : "Checkbox"),
      options,
      state: {
        value: checkBoolean(what, "value", options.value ?? false),
        ...(isButton ? { icon: "", button_style: "" } : { indent: false }),
      },
      read: (state) => state.value as boolean,
      write: (value) => ({ value: checkBoolean(what, "value", value) }),
    });
  }
}

/**
 * Makes a switch.
 * @throws TypeError for options of the wrong kind
 *
 * @example
 * const greedy = toggle({ label: "greedy", value: true });
 */
export function toggle(options: ToggleOptions = {}): Toggle {
  return new Toggle(options);
}
