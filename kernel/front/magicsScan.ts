/** A line that may hold a magic: it begins a statement outside of brackets, strings, templates and comments. */
export interface StatementLine {
  /** Number of the line, from 0. */
  line: number;
  /** Offsets of the line's text in the code; the end is without its line break. */
  start: number;
  end: number;
}

/** Words after which an expression goes on, also on the next line. */
const openWords = new Set(
  "as await case delete else extends from in instanceof new of satisfies throw typeof void".split(" "),
);
/** Words before a regular expression; after any other word `/` divides. */
const regexWords = new Set([...openWords, "return", "yield", "do"]);
const quotes = new Set(["'", '"']);

/**
 * Finds lines among those that begin with `%`, `!` or `// %` where a statement may begin. `isTaken` decides whether one
 * is a magic: its text is then no TypeScript and is passed over.
 *
 * One pass over the text; a text without such lines costs one search.
 */
export function scanStatementLines(code: string, isTaken: (line: StatementLine) => boolean): StatementLine[] {
  const found: StatementLine[] = [];
  if (!/^(?:[%!]|\/\/ ?%)/m.test(code)) return found;
  /** Open brackets; "`" stands for the `${` of a template. */
  const brackets: string[] = [];
  let line = 0;
  /** The last character that is neither space nor comment, and the word that it ends. */
  let last = "";
  let word = "";
  let before = "";
  const note = (char: string, ended = "") => {
    before = last;
    last = char;
    word = ended;
  };
  const isOpen = (): boolean => {
    if (word) return openWords.has(word);
    if ((last === "+" || last === "-") && before === last) return false;
    if (last === ">") return before === "=";
    return last !== "" && "=+-*/%&|^<?:,([{.~".includes(last);
  };
  const isOperandBefore = (): boolean => (word ? !regexWords.has(word) : /[)\]"'`/]/.test(last));
  let at = 0;
  while (at < code.length) {
    if ((at === 0 || code[at - 1] === "\n") && brackets.length === 0 && isCandidate(code, at) && !isOpen()) {
      const newline = code.indexOf("\n", at);
      const candidate = { line, start: at, end: newline < 0 ? code.length : newline };
      if (isTaken(candidate)) {
        found.push(candidate);
        at = candidate.end;
        note(";");
        continue;
      }
    }
    const char = code[at]!;
    const next = code[at + 1];
    let end = at + 1;
    if (char === "\n") {
      line++;
    } else if (char === "/" && next === "/") {
      end = indexOr(code, "\n", at);
    } else if (char === "/" && next === "*") {
      end = indexOr(code, "*/", at + 2) + 2;
      line += countLines(code, at, end);
    } else if (quotes.has(char)) {
      end = endOfQuoted(code, at + 1, char);
      line += countLines(code, at, end);
      note(char);
    } else if (char === "`" || (char === "}" && brackets.at(-1) === "`")) {
      if (char === "}") brackets.pop();
      const [stop, opens] = endOfTemplate(code, at + 1);
      line += countLines(code, at, stop);
      end = stop;
      if (opens) brackets.push("`");
      note(opens ? "{" : "`");
    } else if (char === "/" && !isOperandBefore()) {
      end = endOfRegex(code, at + 1);
      note("/");
      // A finished expression, not an operator.
      word = "/regex/";
    } else if (/[\w$\u0080-\uffff]/.test(char)) {
      while (end < code.length && /[\w$\u0080-\uffff]/.test(code[end]!)) end++;
      note(code[end - 1]!, last === "." ? "property" : code.slice(at, end));
    } else if (!/\s/.test(char)) {
      if ("([{".includes(char)) brackets.push(char);
      else if (")]}".includes(char)) brackets.pop();
      note(char);
    }
    at = end;
  }
  return found;
}

function isCandidate(code: string, at: number): boolean {
  const char = code[at];
  return char === "%" || char === "!" || (char === "/" && /^\/\/ ?%/.test(code.slice(at, at + 4)));
}

function indexOr(code: string, text: string, from: number): number {
  const found = code.indexOf(text, from);
  return found < 0 ? code.length : found;
}

function countLines(code: string, from: number, to: number): number {
  let count = 0;
  for (let at = code.indexOf("\n", from); at >= 0 && at < to; at = code.indexOf("\n", at + 1)) count++;
  return count;
}

/** A string ends at its quote, or broken at the end of its line. */
function endOfQuoted(code: string, from: number, quote: string): number {
  for (let at = from; at < code.length; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === quote) return at + 1;
    else if (code[at] === "\n") return at;
  }
  return code.length;
}

/** Where a piece of a template ends, and whether that is at a `${`. */
function endOfTemplate(code: string, from: number): [end: number, opens: boolean] {
  for (let at = from; at < code.length; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === "`") return [at + 1, false];
    else if (code[at] === "$" && code[at + 1] === "{") return [at + 2, true];
  }
  return [code.length, false];
}

function endOfRegex(code: string, from: number): number {
  let inClass = false;
  for (let at = from; at < code.length && code[at] !== "\n"; at++) {
    const char = code[at];
    if (char === "\\") at++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return at + 1;
  }
  // No regular expression after all: it divides.
  return from;
}
