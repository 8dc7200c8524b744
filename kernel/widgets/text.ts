import { checkBoolean, checkOptions, checkText } from "./checks.ts";
import { ValueControl } from "./valueControl.ts";
import { type ControlOptions, control, controlOptions, style } from "./widget.ts";

/** What `text` takes. */
export interface TextOptions extends ControlOptions {
  /** Text at the start. Default: none. */
  value?: string;
  /** Shown while the field is empty. Default: none. */
  placeholder?: string;
  /** Several lines. Default: false. */
  multiline?: boolean;
  /** Whether the text counts with each key, and not only when the person leaves the field. Default: false. */
  continuous?: boolean;
}

const known = [...controlOptions, "value", "placeholder", "multiline", "continuous"] as const;

/** Text that is typed. */
export class TextField extends ValueControl<string> {
  constructor(options: TextOptions = {}) {
    const what = "text";
    checkOptions(what, options, known);
    super({
      what,
      identity: control(checkBoolean(what, "multiline", options.multiline ?? false) ? "Textarea" : "Text"),
      style: style("Text"),
      options,
      state: {
        value: checkText(what, "value", options.value ?? ""),
        placeholder: checkText(what, "placeholder", options.placeholder ?? ""),
        continuous_update: checkBoolean(what, "continuous", options.continuous ?? false),
      },
      read: (state) => state.value as string,
      write: (value) => ({ value: checkText(what, "value", value) }),
    });
  }
}

/**
 * Makes a field for text.
 * @throws TypeError for options of the wrong kind
 *
 * @example
 * const prompt = text({ label: "prompt", value: "2 + 2 =" });
 */
export function text(options: TextOptions = {}): TextField {
  return new TextField(options);
}
