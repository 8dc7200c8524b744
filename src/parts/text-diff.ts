/** A line of a comparison: in both texts, in the first alone, or in the second alone. */
interface Line {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** Beyond this many lines the middle of two texts is shown as replaced as a whole. */
const maxLines = 2000;

/**
 * What changed between two texts, line by line, as `diff -u` shows it: hunks with three lines around each change.
 * Empty where the lines are the same; an empty text has none.
 *
 * @example
 * unifiedDiff("a\nb", "a\nc", { from: "recorded", to: "given" });
 */
export function unifiedDiff(before: string, after: string, { from, to }: { from: string; to: string }): string {
  const linesOf = (text: string) => (text === "" ? [] : text.split("\n"));
  const lines = compared(linesOf(before), linesOf(after));
  const hunks = hunksOf(lines, 3);
  return hunks.length ? [`--- ${from}`, `+++ ${to}`, ...hunks].join("\n") : "";
}

function compared(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ sign: " ", text }));
  const middle = changed(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))];
}

/** By the longest common subsequence of lines. */
function changed(a: readonly string[], b: readonly string[]): Line[] {
  const gone = (text: string): Line => ({ sign: "-", text });
  const come = (text: string): Line => ({ sign: "+", text });
  if (a.length > maxLines || b.length > maxLines) return [...a.map(gone), ...b.map(come)];
  // longest[i][j]: common lines of a from i on and b from j on.
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i]![j] = a[i] === b[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ sign: " ", text: a[i++]! });
      j++;
    } else lines.push(longest[i + 1]![j]! >= longest[i]![j + 1]! ? gone(a[i++]!) : come(b[j++]!));
  }
  return [...lines, ...a.slice(i).map(gone), ...b.slice(j).map(come)];
}

function hunksOf(lines: readonly Line[], around: number): string[] {
  const changes = lines.flatMap(({ sign }, i) => (sign === " " ? [] : [i]));
  const ranges: [start: number, end: number][] = [];
  for (const at of changes) {
    const last = ranges.at(-1);
    if (last && at - around <= last[1]) last[1] = Math.min(lines.length, at + around + 1);
    else ranges.push([Math.max(0, at - around), Math.min(lines.length, at + around + 1)]);
  }
  return ranges.map(([start, end]) => {
    const count = (sign: "-" | "+", until: readonly Line[]) =>
      until.filter((l) => l.sign === " " || l.sign === sign).length;
    const inside = lines.slice(start, end);
    const place = (sign: "-" | "+") => {
      const size = count(sign, inside);
      return `${sign}${count(sign, lines.slice(0, start)) + (size ? 1 : 0)},${size}`;
    };
    return [`@@ ${place("-")} ${place("+")} @@`, ...inside.map(({ sign, text }) => sign + text)].join("\n");
  });
}
