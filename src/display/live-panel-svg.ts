import { palette } from "./chart.ts";
import { pad } from "./format.ts";
import { html, type SafeHtml } from "./html.ts";
import { decimate, rangeOf, sparkline } from "./series.ts";

/** One curve of a panel, ready to draw. */
export interface PanelCurve {
  readonly label: string;
  readonly format: (value: number) => string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** What a panel shows at one moment. */
export interface PanelState {
  readonly title: string;
  readonly status: string;
  readonly alerts: readonly string[];
  readonly curves: readonly PanelCurve[];
}

/** In pixels; the limits of the y axis stand in the gutter. */
const cell = { width: 232, height: 108, gap: 14, gutter: 46, plotTop: 26, plotHeight: 62 };
const columns = 3;
const lineHeight = 17;
const maxPoints = 160;
const ink = "#7d7d7d";
const alertInk = "#d55e00";

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** Points of each unbroken stretch, in the plot's pixels. */
function stretches(curve: PanelCurve, scaleX: (x: number) => number, scaleY: (y: number) => number): string[] {
  const { x, y } = decimate(curve, maxPoints);
  const parts: string[][] = [[]];
  for (const [i, value] of y.entries())
    if (Number.isFinite(value)) parts.at(-1)!.push(`${short(scaleX(x[i]!))},${short(scaleY(value))}`);
    else if (parts.at(-1)!.length) parts.push([]);
  return parts.filter((part) => part.length).map((part) => part.join(" "));
}

function drawCurve(curve: PanelCurve, left: number, top: number, colour: string): SafeHtml {
  const { label, format, x, y } = curve;
  const range = rangeOf(y);
  const last = y.at(-1);
  const text = (at: number, down: number, content: string, anchor: "start" | "end", size: number, fill = ink) =>
    html`<text x="${at}" y="${down}" text-anchor="${anchor}" font-size="${size}" fill="${fill}">${content}</text>`;
  const start = left + cell.gutter;
  const right = left + cell.width;
  const plotTop = top + cell.plotTop;
  const plotBottom = plotTop + cell.plotHeight;
  const heading = [
    text(start, top + 14, label, "start", 12),
    text(right, top + 14, last === undefined ? "" : format(last), "end", 13, colour),
  ];
  const axis = html`<path d="M${start} ${plotTop}V${plotBottom}H${right}" fill="none" stroke="${ink}" stroke-opacity="0.5"/>`;
  if (!range) return html`${heading}${axis}`;
  const first = x[0]!;
  const end = x.at(-1)!;
  const scaleX = (at: number) =>
    end > first ? start + ((at - first) / (end - first)) * (right - start) : (start + right) / 2;
  const span = range.max - range.min;
  const scaleY = (value: number) =>
    span > 0 ? plotBottom - 2 - ((value - range.min) / span) * (cell.plotHeight - 4) : plotTop + cell.plotHeight / 2;
  const lines = stretches(curve, scaleX, scaleY).map((points) =>
    points.includes(" ")
      ? html`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.6" stroke-linejoin="round"/>`
      : html`<circle cx="${points.split(",")[0]}" cy="${points.split(",")[1]}" r="2" fill="${colour}"/>`,
  );
  const limits = [
    text(start - 4, span > 0 ? plotTop + 8 : plotTop + cell.plotHeight / 2 + 4, format(range.max), "end", 10),
    ...(span > 0 ? [text(start - 4, plotBottom, format(range.min), "end", 10)] : []),
    text(start, plotBottom + 13, String(first), "start", 10),
    ...(end > first ? [text(right, plotBottom + 13, String(end), "end", 10)] : []),
  ];
  return html`${heading}${axis}${lines}${limits}`;
}

/**
 * Small multiples as an SVG document that stands alone. It is drawn by hand, in about a millisecond, because it is drawn
 * again ten times a second.
 */
export function panelSvg({ title, status, alerts, curves }: PanelState): string {
  const inset = 8;
  const header = [
    { text: title, size: 13, weight: 600, fill: ink },
    ...(status ? [{ text: status, size: 12, weight: 400, fill: ink }] : []),
    ...alerts.map((text) => ({ text: `⚠ ${text}`, size: 12, weight: 600, fill: alertInk })),
  ];
  const top = inset + header.length * lineHeight + 4;
  const across = Math.min(columns, Math.max(1, curves.length));
  const width = 2 * inset + columns * cell.width + (columns - 1) * cell.gap;
  const height = top + Math.ceil(curves.length / across) * (cell.height + cell.gap);
  const lines = header.map(
    ({ text, size, weight, fill }, i) =>
      html`<text x="${inset}" y="${inset + 13 + i * lineHeight}" font-size="${size}" font-weight="${weight}" fill="${fill}">${text}</text>`,
  );
  const cells = curves.map((curve, i) =>
    drawCurve(
      curve,
      inset + (i % across) * (cell.width + cell.gap),
      top + Math.floor(i / across) * (cell.height + cell.gap),
      palette[i % palette.length]!,
    ),
  );
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif">${lines}${cells}</svg>`
    .markup;
}

/** The panel in text: a line for each curve. */
export function panelText({ title, status, alerts, curves }: PanelState): string {
  const width = Math.max(0, ...curves.map(({ label }) => [...label].length));
  const lines = curves.map(({ label, format, y }) => {
    const range = rangeOf(y);
    const figures = range ? `${format(y.at(-1)!)}  (min ${format(range.min)}, max ${format(range.max)})` : "";
    return `${pad(label, width)}  ${pad(sparkline(y, 24), 24)}  ${figures}`.trimEnd();
  });
  return [title, ...(status ? [status] : []), ...alerts.map((text) => `⚠ ${text}`), ...lines].join("\n");
}
