// Widgets for cells: `import { slider } from "cirlab/kernel"`.
export { type Box, column, row } from "./box.ts";
export { type Button, type ButtonOptions, button } from "./button.ts";
export { type Choice, type ChoiceOptions, type Choices, choice } from "./choice.ts";
export { type CustomOptions, type CustomWidget, type SharedState, widget } from "./custom.ts";
export type { Layout } from "./layout.ts";
export { type NumberField, type NumberOptions, number } from "./number.ts";
export { type Output, output } from "./output.ts";
export type { StoredOutput } from "./outputs.ts";
export { type Play, type PlayOptions, play } from "./play.ts";
export { type Slider, type SliderOptions, slider } from "./slider.ts";
export { type TextField, type TextOptions, text } from "./text.ts";
export { type Toggle, type ToggleOptions, toggle } from "./toggle.ts";
export type { Control, ControlOptions, Widget, WidgetOptions } from "./widget.ts";
