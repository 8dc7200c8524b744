const space = "http://www.w3.org/2000/svg";

/** A run's course as a small line. */
export function sparkline(values: readonly (number | null)[], label: string): SVGElement {
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 80 20");
  svg.setAttribute("class", "cirlab-spark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const known = values.flatMap((value, i) => (value === null ? [] : [[i, value] as const]));
  if (known.length < 2) return svg;
  const [low, high] = [Math.min(...known.map(([, y]) => y)), Math.max(...known.map(([, y]) => y))];
  const points = known.map(([i, y]) => {
    const height = high === low ? 10 : 18 - (16 * (y - low)) / (high - low);
    return `${(1 + (78 * i) / (values.length - 1)).toFixed(1)},${height.toFixed(1)}`;
  });
  const line = document.createElementNS(space, "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}
