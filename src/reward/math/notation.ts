// The signs and commands that answers are written in: LaTeX2e reference manual, amsmath user guide, Unicode.

/** Commands whose argument is text. */
export const textCommands = new Set([
  "text",
  "textbf",
  "textit",
  "textrm",
  "mbox",
  "hbox",
  "textnormal",
  "textsf",
  "emph",
]);
/** Commands that only change the look of their argument. */
export const alphabets = new Set([
  ...["mathrm", "mathbf", "mathit", "mathsf", "mathcal", "mathfrak", "mathscr", "operatorname", "boldsymbol", "bm"],
  ...["vec", "hat", "tilde", "overrightarrow", "rm", "bf", "it", "mathbb", "Bbb"],
]);
/** Commands that say nothing: sizes of brackets, styles. */
export const skipped = new Set([
  ...["left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr"],
  ...["displaystyle", "textstyle", "limits", "nolimits", "mathstrut", "phantom", "hfill", "middle"],
]);
export const spaces = new Set([..." ,;:!>", "quad", "qquad", "thinspace", "enspace", "medspace", "hspace"]);

/** Names that stand for commands when they are typed without a backslash or in `\operatorname`. */
export const functionNames = new Set([
  ...["sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "sinh", "cosh", "tanh", "ln"],
  ...["log", "lg", "exp", "sqrt", "cbrt", "abs", "floor", "ceil", "gcd", "lcm", "max", "min", "Re", "Im", "det"],
  ...["asin", "acos", "atan", "arg"],
]);
/** Words that stand for a command when typed without a backslash. */
export const plainWords: Record<string, string> = {
  pi: "pi",
  infty: "infty",
  infinity: "infty",
  inf: "infty",
  oo: "infty",
  theta: "theta",
  alpha: "alpha",
  beta: "beta",
  gamma: "gamma",
  lambda: "lambda",
  mu: "mu",
  phi: "phi",
  omega: "omega",
  sigma: "sigma",
};
/** Other names of a command, and commands that are signs. */
export const renamed: Record<string, string> = {
  ...{ dfrac: "frac", tfrac: "frac", cfrac: "frac", dbinom: "binom", tbinom: "binom", choose: "choose" },
  ...{ leq: "<=", le: "<=", leqslant: "<=", geq: ">=", ge: ">=", geqslant: ">=", ne: "!=", neq: "!=", lt: "<" },
  ...{ gt: ">", in: "in", cdot: "*", times: "*", ast: "*", div: "/", pm: "±", mp: "∓", cup: "∪", cap: "∩" },
  ...{ setminus: "∖", backslash: "∖", lbrace: "\\{", rbrace: "\\}", lvert: "|", rvert: "|", vert: "|", mid: "|" },
  ...{ Vert: "‖", lVert: "‖", rVert: "‖", langle: "⟨", rangle: "⟩", colon: ":", equiv: "≡", degree: "°" },
  ...{ lbrack: "[", rbrack: "]", lor: "or", vee: "or", land: "and", wedge: "and", approx: "≈", implies: ",", sim: "≈" },
  ...{
    bigcup: "∪",
    cdotp: "*",
    colon2: ":",
    lparen: "(",
    rparen: ")",
    circ: "°",
    infin: "infty",
    emptyset: "varnothing",
  },
};
/** The signs among the values of `renamed`. */
export const operators = new Set([
  ...["<=", ">=", "!=", "<", ">", "in", "*", "/", "±", "∓", "∪", "∩", "∖", "\\{", "\\}", "|", "‖", "⟨", "⟩", ":", "≡"],
  ...["°", "[", "]", "(", ")", "or", "and", "≈", ","],
]);
/** Unicode signs and the sign that stands for them here. */
export const unicode: Record<string, string> = {
  ...{ "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "∕": "/", "≤": "<=", "⩽": "<=" },
  ...{
    "≥": ">=",
    "⩾": ">=",
    "≠": "!=",
    "∪": "∪",
    "∩": "∩",
    "∈": "in",
    "°": "°",
    "±": "±",
    "∓": "∓",
    "≡": "≡",
    "≈": "≈",
  },
  ...{ "⟨": "⟨", "⟩": "⟩", "∨": "or", "∧": "and", "∖": "∖", "：": ":", "，": ",", "；": ";" },
};
export const unicodeCommands: Record<string, string> = {
  ...{ π: "pi", "∞": "infty", "√": "sqrt", "∅": "varnothing", θ: "theta", α: "alpha", β: "beta", γ: "gamma" },
  ...{ λ: "lambda", μ: "mu", φ: "phi", ω: "omega", σ: "sigma", ℝ: "reals", ℤ: "integers" },
};
export const fractions: Record<string, [number, number]> = {
  ...{ "½": [1, 2], "⅓": [1, 3], "⅔": [2, 3], "¼": [1, 4], "¾": [3, 4], "⅕": [1, 5], "⅙": [1, 6], "⅛": [1, 8] },
};
export const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";
