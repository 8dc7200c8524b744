/** Offset in UTF-16 units of a place that the protocol counts in Unicode characters. */
export function toUtf16(text: string, characters: number): number {
  let offset = 0;
  for (const character of text) {
    if (characters-- <= 0) break;
    offset += character.length;
  }
  return offset;
}

/** Place in Unicode characters of an offset in UTF-16 units. */
export function toCharacters(text: string, offset: number): number {
  return [...text.slice(0, offset)].length;
}
