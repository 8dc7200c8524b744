const maxParameters = 120;

/**
 * Puts a function's parameters into the head that Node prints for it: `[Function: add]` becomes
 * `[Function: add(a, b = 1)]`. Classes, built-in functions and what is too odd to read stay as they are.
 */
export function signatureOf(fn: object, head: string): string {
  const match = /^\[(\w*Function)(?:: ([^\]]*)| \(anonymous\))\]$/.exec(head);
  if (!match) return head;
  const parameters = parametersOf(Function.prototype.toString.call(fn));
  return parameters === undefined ? head : `[${match[1]}: ${match[2] ?? ""}${parameters}]`;
}

/** The parameters in a function's source, with their parentheses. */
function parametersOf(source: string): string | undefined {
  if (/^class\b|\{\s*\[native code\]\s*\}$/.test(source)) return undefined;
  const single = /^(?:async\s+)?([\w$]+)\s*=>/.exec(source);
  if (single) return `(${single[1]})`;
  const start = /^(?:(?:async|get|set|static)\s+)*(?:function\b)?\s*\*?\s*(?:#?[\w$]+|\[[^\]]*\])?\s*\(/.exec(source);
  if (!start) return undefined;
  const text = balanced(source, start[0].length - 1)?.replace(/\s+/g, " ");
  return text && text.length > maxParameters ? `${text.slice(0, maxParameters)}…)` : text;
}

/** The text from an opening bracket to the one that closes it; undefined where quotes make that hard to tell. */
function balanced(source: string, start: number): string | undefined {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const character = source[at]!;
    if (character === "`" || (character === "/" && /[/*]/.test(source[at + 1] ?? ""))) return undefined;
    if (character === '"' || character === "'") {
      at = endOfString(source, at);
      if (at < 0) return undefined;
    } else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character) && --depth === 0) return source.slice(start, at + 1);
  }
  return undefined;
}

function endOfString(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === source[start]) return at;
  }
  return -1;
}
