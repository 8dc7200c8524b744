// Stands in for @lumino/widgets in the bundle: the page's own, of which the viewer needs one class.
import type * as widgets from "@lumino/widgets";
import { luminoWidgets } from "./shared.ts";

export const { Widget } = luminoWidgets<typeof widgets>();
