import { inspect } from "node:util";
import { shown } from "./checks.ts";
import { control, Widget } from "./widget.ts";

/** Widgets side by side or one below the other. */
export class Box extends Widget {
  constructor(what: "row" | "column", children: readonly Widget[]) {
    const model = what === "row" ? "HBox" : "VBox";
    super({ what, identity: control(model), state: { children: checked(what, children), box_style: "" } }, {});
  }

  get children(): readonly Widget[] {
    return this.model.state.children as Widget[];
  }
  set children(children: readonly Widget[]) {
    this.change({ children: checked(this.what, children) });
  }

  protected describe(): string {
    const lines = this.children.map((child) => inspect(child).replaceAll("\n", "\n  "));
    return [`${this.what}:`, ...lines].join("\n  ");
  }
}

/** @throws TypeError for what is no widget, Error for one that is closed */
function checked(what: string, children: readonly Widget[]): Widget[] {
  for (const child of children) {
    if (!(child instanceof Widget)) throw new TypeError(`${what}: ${shown(child)} is no widget. Give widgets only.`);
    if (child.isClosed) throw new Error(`${what}: ${inspect(child)} is closed. Give widgets that are still open.`);
  }
  return [...children];
}

/**
 * Widgets side by side.
 *
 * @example
 * row(slider({ label: "temperature", max: 2, step: 0.1 }), button({ label: "Sample" }))
 */
export function row(...children: Widget[]): Box {
  return new Box("row", children);
}

/** Widgets one below the other. */
export function column(...children: Widget[]): Box {
  return new Box("column", children);
}
