/** A string without lone surrogates (they become U+FFFD), so that it survives UTF-8. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
