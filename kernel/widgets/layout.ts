/** Sizes and places of a widget: CSS properties, camel case, with their values as text, for example `{ width: "50%" }`. */
export type Layout = { [Name in LayoutName]?: string };

const names = [
  "alignContent",
  "alignItems",
  "alignSelf",
  "border",
  "display",
  "flex",
  "flexFlow",
  "gridArea",
  "gridGap",
  "gridTemplateColumns",
  "gridTemplateRows",
  "height",
  "justifyContent",
  "margin",
  "maxHeight",
  "maxWidth",
  "minHeight",
  "minWidth",
  "order",
  "overflow",
  "padding",
  "visibility",
  "width",
] as const;

type LayoutName = (typeof names)[number];

/** The border is told side by side. */
const borders = ["border_top", "border_right", "border_bottom", "border_left"];

/** State of a layout model. @throws TypeError for a property that layouts do not have, or a value that is no text */
export function layoutState(what: string, layout: Layout): Record<string, string> {
  const state: Record<string, string> = {};
  for (const [name, value] of Object.entries(layout)) {
    if (!names.includes(name as LayoutName)) {
      throw new TypeError(`${what}: layout has no "${name}". It has: ${names.join(", ")}.`);
    }
    if (typeof value !== "string") {
      throw new TypeError(`${what}: layout.${name} is ${String(value)}. Give text with a unit, for example "300px".`);
    }
    if (name === "border") for (const side of borders) state[side] = value;
    else state[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return state;
}
