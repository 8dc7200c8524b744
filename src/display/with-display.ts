import { displaySymbol, type MimeBundle } from "./host.ts";

/**
 * Plain data that also knows how it is shown: the same object, with a display method that neither JSON nor a spread
 * sees.
 */
export function withDisplay<T extends object>(data: T, show: (data: T) => MimeBundle | Promise<MimeBundle>): T {
  return Object.defineProperty(data, displaySymbol, { value: () => show(data), configurable: true });
}
