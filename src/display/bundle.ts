import { tensorText } from "./arrays.ts";
import { displaySymbol, type MimeBundle } from "./host.ts";
import { isInterrupt, plainText, reasonOf } from "./plain-text.ts";
import { recordTable } from "./records.ts";

/** An object that renders itself. */
export interface Displayable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

/** Whether a value renders itself. A value that only throws when asked does not. */
export function isDisplayable(value: unknown): value is Displayable {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  try {
    return displaySymbol in value && typeof (value as Partial<Displayable>)[displaySymbol] === "function";
  } catch (error) {
    if (isInterrupt(error)) throw error;
    return false;
  }
}

/** Whether a value is a plain object whose keys are all mime types. */
export function isBundle(value: unknown): value is MimeBundle {
  if (typeof value !== "object" || value === null) return false;
  try {
    const keys = Object.keys(value);
    return (
      Object.getPrototypeOf(value) === Object.prototype &&
      keys.length > 0 &&
      keys.every((key) => /^[\w.+-]+\/[\w.+-]+$/.test(key))
    );
  } catch {
    return false;
  }
}

/** What a value is shown as when its own display method failed. */
const failed = (value: unknown, error: unknown): MimeBundle => {
  if (isInterrupt(error)) throw error;
  return { "text/plain": `${plainText(value)}\n(its display method failed: ${reasonOf(error)})` };
};

/** What a display method gave: a bundle, or undefined where there is nothing to show. */
function checked(value: unknown, bundle: unknown): MimeBundle {
  if (bundle === undefined) return {};
  if (typeof bundle === "object" && bundle !== null && !Array.isArray(bundle)) return bundle as MimeBundle;
  return failed(value, new TypeError(`it returned ${plainText(bundle)}, which is no bundle of data by mime type`));
}

/**
 * A value as a result is shown: by its own `Symbol.for("Jupyter.display")` method where it has one; arrays, maps and
 * sets of plain objects also as a table; tensors and long typed arrays by shape, type, range and first values; all
 * else as Node prints it, without colours and cut to a readable length. An object with `outerHTML` is shown as code:
 * markup is drawn only where code asks for it (`display.html`). Never fails: what cannot be shown is told in text; only
 * an interrupt passes through.
 */
export function renderValue(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (!isDisplayable(value)) return renderPlain(value);
  try {
    const made: unknown = value[displaySymbol]();
    if (typeof (made as PromiseLike<unknown> | null | undefined)?.then !== "function") return checked(value, made);
    return Promise.resolve(made).then(
      (bundle) => checked(value, bundle),
      (error: unknown) => failed(value, error),
    );
  } catch (error) {
    return failed(value, error);
  }
}

function renderPlain(value: unknown): MimeBundle {
  if (typeof value !== "object" || value === null) return { "text/plain": plainText(value) };
  try {
    const tensor = tensorText(value);
    if (tensor !== undefined) return { "text/plain": tensor };
    const table = recordTable(value);
    if (table) return { "text/plain": plainText(value), "text/html": table.toHtml().markup };
  } catch (error) {
    // Its own code threw while it was looked at; its text is found with more care.
    if (isInterrupt(error)) throw error;
  }
  return { "text/plain": plainText(value) };
}

/** The bundle of any value: the value itself if it is one, else {@link renderValue}. */
export function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> {
  return isBundle(value) ? value : renderValue(value);
}
