import { h } from "./dom.ts";

/** What a run's recording tells of a setting, as JSON Schema does. */
type Description = Readonly<Record<string, unknown>>;

/** A field for one setting of a run: of the kind that its description asks for, with its present value. */
export class SettingField {
  readonly name: string;
  readonly node: HTMLElement;
  readonly #description: Description;
  readonly #input: HTMLInputElement | HTMLSelectElement;
  readonly #problem = h("span", { className: "cirlab-problem" });
  #present: unknown;

  constructor(name: string, description: Description, present: unknown, onChange: () => void) {
    this.name = name;
    this.#description = description;
    this.#present = present;
    this.#input = this.#field();
    this.#input.name = name;
    this.#show();
    this.#input.addEventListener("input", () => {
      this.#check();
      onChange();
    });
    this.node = h(
      "label",
      { className: "cirlab-field", title: boundsText(description) },
      h("span", { textContent: name }),
      this.#input,
      this.#problem,
    );
  }

  /** The person gave another value. */
  get isChanged(): boolean {
    return this.#text() !== textOf(this.#present);
  }

  /** What is wrong with the value; empty where nothing is. */
  get problem(): string {
    try {
      return problemOf(this.#description, this.value);
    } catch {
      return "not JSON";
    }
  }

  /** The value that the field holds. */
  get value(): unknown {
    if (this.#input instanceof HTMLInputElement && this.#input.type === "checkbox") return this.#input.checked;
    const text = this.#input.value.trim();
    if (this.#input instanceof HTMLSelectElement) return text;
    if (!this.#isPlainNumber && typeof this.#present === "string" && !/^[[{"\d-]|^(true|false|null)$/.test(text))
      return text;
    return JSON.parse(text) as unknown;
  }

  /** The run's value is another one now; a change that the person has begun stays. */
  set present(value: unknown) {
    const wasChanged = this.isChanged;
    this.#present = value;
    if (!wasChanged) this.#show();
    this.#check();
  }

  /** Back to the run's value. */
  reset(): void {
    this.#show();
    this.#check();
  }

  get #isPlainNumber(): boolean {
    const { type } = this.#description;
    return (type === "number" || type === "integer") && typeof this.#present === "number";
  }

  #field(): HTMLInputElement | HTMLSelectElement {
    const { type } = this.#description;
    const choices = this.#description.enum;
    if (Array.isArray(choices))
      return h("select", {}, ...choices.map((choice) => h("option", { textContent: String(choice) })));
    if (type === "boolean") return h("input", { type: "checkbox" });
    const { minimum, maximum } = this.#description;
    if (this.#isPlainNumber)
      return h("input", {
        type: "number",
        step: type === "integer" ? "1" : "any",
        ...(typeof minimum === "number" && { min: String(minimum) }),
        ...(typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER && { max: String(maximum) }),
      });
    return h("input", { type: "text", spellcheck: false });
  }

  #show(): void {
    if (this.#input instanceof HTMLInputElement && this.#input.type === "checkbox")
      this.#input.checked = this.#present === true;
    else this.#input.value = textOf(this.#present);
  }

  #text(): string {
    if (this.#input instanceof HTMLInputElement && this.#input.type === "checkbox") return String(this.#input.checked);
    return this.#input.value.trim();
  }

  #check(): void {
    this.node.classList.toggle("cirlab-changed", this.isChanged);
    this.#problem.textContent = this.isChanged ? this.problem : "";
  }
}

/** A setting's value as it stands in a field. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** Bounds in words: `a whole number, above 0, at most 1`. */
function boundsText(description: Description): string {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, schedule } = description;
  const parts = [
    type === "integer" ? "a whole number" : type === "number" ? "a number" : undefined,
    typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER ? `at least ${minimum}` : undefined,
    typeof exclusiveMinimum === "number" ? `above ${exclusiveMinimum}` : undefined,
    typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? `at most ${maximum}` : undefined,
    typeof exclusiveMaximum === "number" ? `below ${exclusiveMaximum}` : undefined,
    schedule === true ? "or a schedule" : undefined,
  ];
  return parts.filter(Boolean).join(", ");
}

/** What a number's bounds forbid; everything else the training itself checks. */
function problemOf(description: Description, value: unknown): string {
  if (typeof value !== "number") return "";
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = description;
  const isWrong =
    (type === "integer" && !Number.isInteger(value)) ||
    (typeof minimum === "number" && value < minimum) ||
    (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) ||
    (typeof maximum === "number" && value > maximum) ||
    (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum);
  return isWrong ? boundsText(description) : "";
}
