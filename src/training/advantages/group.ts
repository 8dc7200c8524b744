/** Mean of the values that share a group, for each entry. */
export function groupMeans(values: readonly number[], groups: readonly number[]): Float64Array {
  const sums = new Map<number, { sum: number; count: number }>();
  values.forEach((value, i) => {
    const entry = sums.get(groups[i]!) ?? { sum: 0, count: 0 };
    entry.sum += value;
    entry.count++;
    sums.set(groups[i]!, entry);
  });
  return Float64Array.from(groups, (group) => {
    const { sum, count } = sums.get(group)!;
    return sum / count;
  });
}
