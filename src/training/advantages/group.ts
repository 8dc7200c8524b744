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

/** Members of each entry's group. */
export function groupSizes(groups: readonly number[]): Float64Array {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return Float64Array.from(groups, (group) => sizes.get(group)!);
}

/** Unbiased standard deviation of each entry's group; 0 for a group of one. */
export function groupDeviations(values: readonly number[], groups: readonly number[]): Float64Array {
  const means = groupMeans(values, groups);
  const squares = values.map((value, i) => (value - means[i]!) ** 2);
  const variances = groupMeans(squares, groups);
  return groupSizes(groups).map((size, i) => (size > 1 ? Math.sqrt((variances[i]! * size) / (size - 1)) : 0));
}
