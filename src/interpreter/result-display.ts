import { formatDuration, formatNumber, html, type MimeBundle, type SafeHtml, withDisplay } from "../display/index.ts";
import { cutText } from "./feedback.ts";
import type { ExecutionResult, ExecutionStatus } from "./types.ts";

/** How a status is shown: a colour, and what it means where the word alone does not say it. */
const looks: Record<ExecutionStatus, { colour: string; meaning?: string }> = {
  ok: { colour: "#009e73" },
  error: { colour: "#d55e00" },
  timeout: { colour: "#e69f00", meaning: "The time limit ended it." },
  memory: { colour: "#e69f00", meaning: "It needed more memory than the limit." },
  outputLimit: { colour: "#e69f00", meaning: "It wrote more than the limit; what was kept is shown." },
  crash: { colour: "#cc79a7", meaning: "Its process ended without a result." },
  infrastructure: { colour: "#888888", meaning: "The interpreter failed, not the code. Run it again." },
};

/** Characters of one stream or value that are shown; the result holds all. */
const maxShown = 20_000;
/** Lines of the source above and below the one that failed. */
const around = 3;

const shorten = (text: string): string =>
  cutText(text, maxShown, "middle", `\n… ${formatNumber([...text].length - maxShown)} more characters …\n`);

/** A result as it is, which a notebook shows with its output, error, figures, status, time and memory. */
export function shownResult(result: ExecutionResult, code: string): ExecutionResult {
  return withDisplay(result, (shown) => resultBundle(shown, code));
}

/** What a notebook shows of a result; `code` is the snippet, of which the line that failed is marked. */
export function resultBundle(result: ExecutionResult, code: string): MimeBundle {
  return { "text/plain": resultText(result, code), "text/html": resultHtml(result, code).markup };
}

/** What a notebook shows of a session: its cells in order, each with its source and result. */
export function sessionBundle(cells: readonly { code: string; result: ExecutionResult }[], title: string): MimeBundle {
  const parts = cells.map(({ code, result }, i) => ({ label: `[${i + 1}]`, code: shorten(code), result }));
  const text = parts.map(({ label, code, result }) => `${label}\n${indent(code)}\n${resultText(result, code)}`);
  const markup = html`<div>${title}</div>${parts.map(
    ({ label, code, result }) =>
      html`<div style="display:flex;gap:.7em;margin-top:.6em"><div style="font-family:monospace;opacity:.6">${label}</div><div style="flex:1;min-width:0">${block(code, "border-left:3px solid #8886;padding-left:.6em")}${resultHtml(result, code)}</div></div>`,
  )}`;
  return { "text/plain": [title, ...text].join("\n"), "text/html": markup.markup };
}

const indent = (text: string): string => text.replace(/^/gm, "    ");

/** The lines of the source around the one that failed: `[number, text, whether it is the one]`. */
function excerpt(code: string, line: number | undefined): [number: number, text: string, failed: boolean][] {
  const lines = code.split("\n");
  if (line === undefined || line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - around);
  return lines
    .slice(first - 1, line + around)
    .map((text, i) => [first + i, cutText(text, 500, "end", "…"), first + i === line]);
}

/** The source around the line that failed as text, that line marked; empty where the line is not known. */
export function markedSource(code: string, line: number | undefined): string {
  return excerpt(code, line)
    .map(([number, text, failed]) => `${failed ? ">" : " "} ${String(number).padStart(4)} | ${text}`)
    .join("\n");
}

/** `"12 ms, 34 MiB"`. */
function costs({ durationMs, peakMemoryMb, exitCode, status }: ExecutionResult): string {
  const parts = [formatDuration(durationMs)];
  if (typeof peakMemoryMb === "number") parts.push(`${formatNumber(peakMemoryMb, 3)} MiB`);
  if (exitCode && status !== "error") parts.push(`exit code ${exitCode}`);
  return parts.join(", ");
}

/** Where a traceback begins in what Python wrote; a syntax error's has no first line of its own. */
const tracebackStart = /^(?:Traceback \(most recent call last\):| {2}File "<(?:snippet|cell \d+)>", line \d+)$/gm;
const chained = /(?:direct cause of the following exception|another exception occurred):\n\n$/;

/** Standard error without the traceback of the exception that ended the snippet, which is shown by itself. */
export function stderrWithoutTraceback({ stderr, error }: ExecutionResult): string {
  if (!error) return stderr;
  const starts = [...stderr.matchAll(tracebackStart)].map(({ index }) => index);
  let start = starts.pop() ?? stderr.length;
  while (starts.length && chained.test(stderr.slice(0, start))) start = starts.pop()!;
  return stderr.slice(0, start);
}

function resultText(result: ExecutionResult, code: string): string {
  const { status, stdout, error, value } = result;
  const { meaning } = looks[status];
  const figures = images(result).length;
  return [
    shorten(stdout).trimEnd(),
    shorten(stderrWithoutTraceback(result)).trimEnd(),
    value === undefined ? "" : shorten(value),
    figures ? `(${figures} figure${figures === 1 ? "" : "s"})` : "",
    error ? `${error.traceback.trimEnd() || error.lastLine}\n${markedSource(code, error.line)}`.trimEnd() : "",
    `${status}, ${costs(result)}${meaning ? `. ${meaning}` : ""}`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function block(text: string, style = ""): SafeHtml {
  return html`<pre style="margin:.2em 0;white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit;${style}">${text}</pre>`;
}

/** Figures: what came from the snippet is checked before it becomes a link. */
const images = (result: ExecutionResult): { mime: string; data: string }[] =>
  (result.images ?? []).filter(
    ({ mime, data }) => /^image\/(?:png|jpeg|svg\+xml)$/.test(mime) && /^[A-Za-z0-9+/=\s]*$/.test(data),
  );

function resultHtml(result: ExecutionResult, code: string): SafeHtml {
  const { status, stdout, value, error } = result;
  const { colour, meaning } = looks[status];
  const written = stderrWithoutTraceback(result);
  return html`<div>${stdout && block(shorten(stdout))}${
    written && block(shorten(written), "border-left:3px solid #d55e00;padding-left:.6em;opacity:.85")
  }${value !== undefined && value !== "" ? block(shorten(value), "border-left:3px solid #2a84c0;padding-left:.6em") : undefined}${images(
    result,
  ).map(
    ({ mime, data }, i) =>
      html`<img alt="${`figure ${i + 1}`}" style="max-width:100%;background:#fff" src="${`data:${mime};base64,${data}`}">`,
  )}${
    error &&
    html`<div style="margin:.3em 0;font-family:monospace;font-weight:600;overflow-wrap:anywhere">${error.lastLine}</div>${source(code, error.line)}${
      error.traceback &&
      html`<details><summary>traceback</summary>${block(shorten(error.traceback.trimEnd()))}</details>`
    }`
  }<div style="margin-top:.3em;font-size:.85em"><b style="background:${colour}29;border-bottom:2px solid ${colour};padding:0 .4em">${status}</b> <span style="opacity:.75">${costs(result)}${meaning && `. ${meaning}`}</span></div></div>`;
}

/** The source around the line that failed, with that line marked. */
function source(code: string, line: number | undefined): SafeHtml | undefined {
  const lines = excerpt(code, line);
  if (!lines.length) return undefined;
  return html`<pre style="margin:.2em 0;overflow-x:auto;background:none;color:inherit">${lines.map(
    ([number, text, failed]) =>
      html`<span style="${failed ? "display:block;background:#d55e0029" : "display:block;opacity:.75"}">${failed ? "›" : " "} ${String(number).padStart(4)}  ${text}</span>`,
  )}</pre>`;
}
