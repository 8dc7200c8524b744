import sanitizeHtml from "sanitize-html";

const mathTags = ["math", "mrow", "mi", "mo", "mn", "msup", "msub", "mfrac", "msqrt", "mtext", "mtable", "mtr", "mtd"];
const tags = [
  ...sanitizeHtml.defaults.allowedTags,
  ...["img", "details", "summary", "del", "ins", "input", "label", "meter", "progress", "picture", "center", "font"],
  ...mathTags,
];
/** Drawings inside the page; what could run in them or load from elsewhere is not in the list. */
const svgTags = [
  ...["svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "defs", "title"],
  ...["desc", "clipPath", "linearGradient", "radialGradient", "stop", "mask", "pattern", "marker"],
];
const svgAttributes = [
  ...["viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "dx"],
  ...["dy", "fill", "stroke", "stroke-*", "fill-*", "opacity", "transform", "text-anchor", "dominant-baseline"],
  ...["font-*", "offset", "stop-*", "gradient*", "marker-*", "preserveAspectRatio", "xmlns", "role", "clip-path"],
];
const attributes = ["class", "id", "title", "lang", "dir", "align", "valign", "width", "height", "role", "aria-*"];

/** A style that neither loads anything nor lays itself over the page. */
const isHarmless = (style: string): boolean => !/url\s*\(|expression|@import|position\s*:|\\/i.test(style);

const shared = {
  allowedSchemes: ["http", "https", "mailto"],
  allowedSchemesByTag: { img: ["http", "https", "data"] },
  allowProtocolRelative: false,
  disallowedTagsMode: "discard",
  transformTags: {
    // A task list's box shows a state; nothing else that asks for input stays.
    input: (_: string, { checked }: sanitizeHtml.Attributes) => ({
      tagName: "input",
      attribs: { type: "checkbox", disabled: "", ...(checked === undefined ? {} : { checked: "" }) },
    }),
    "*": (tagName: string, attribs: sanitizeHtml.Attributes) => {
      const { style, ...rest } = attribs;
      return { tagName, attribs: style !== undefined && isHarmless(style) ? { ...rest, style } : rest };
    },
  },
} satisfies sanitizeHtml.IOptions;

const allowedAttributes = {
  ...sanitizeHtml.defaults.allowedAttributes,
  "*": [
    ...attributes,
    "style",
    "open",
    "colspan",
    "rowspan",
    "scope",
    "border",
    "cellpadding",
    "cellspacing",
    "bgcolor",
  ],
  a: ["href", "name", "target", "rel"],
  img: ["src", "alt", "title", "width", "height"],
  input: ["type", "disabled", "checked"],
  meter: ["value", "min", "max", "low", "high", "optimum"],
  progress: ["value", "max"],
  font: ["color", "size"],
  math: ["display", "xmlns"],
};

/** HTML of an untrusted notebook: text, tables, pictures. Nothing that runs, loads a style, or asks for input. */
export function sanitizeUntrusted(html: string): string {
  return sanitizeHtml(html, { ...shared, allowedTags: tags, allowedAttributes });
}

/** HTML of a trusted notebook: also its styles and its drawings. Still nothing that runs: an exported page has no script. */
export function sanitizeTrusted(html: string): string {
  return sanitizeHtml(html, {
    ...shared,
    allowedTags: [...tags, ...svgTags, "style"],
    allowedAttributes: { ...allowedAttributes, ...Object.fromEntries(svgTags.map((tag) => [tag, svgAttributes])) },
    allowVulnerableTags: true,
    parser: { lowerCaseTags: false, lowerCaseAttributeNames: false },
  });
}
