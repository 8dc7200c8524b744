/** Most edits between two names that are still taken for a slip. */
const maxEdits = 3;

/** Known names that one may have meant by `given`: the closest first, at most three. */
export function nearestNames(given: string, known: Iterable<string>): string[] {
  const wanted = given.toLowerCase();
  return Array.from(known, (name) => {
    const candidate = name.toLowerCase();
    const contains = wanted.length > 2 && (candidate.includes(wanted) || wanted.includes(candidate));
    return { name, edits: contains ? 1 : editDistance(wanted, candidate) };
  })
    .filter(({ edits, name }) => edits <= Math.min(maxEdits, name.length / 2))
    .sort((a, b) => a.edits - b.edits || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    previous = row;
  }
  return previous[b.length]!;
}
