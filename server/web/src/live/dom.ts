type Child = Node | string | undefined;

/** An element with properties and children; text stays text. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<Omit<HTMLElementTagNameMap[K], "style">> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A button that submits nothing. */
export function button(label: string, onClick: () => void, title = ""): HTMLButtonElement {
  const made = h("button", { type: "button", className: "cirlab-button", textContent: label, title });
  made.addEventListener("click", onClick);
  return made;
}

/** A few words as a sentence. */
export const sentence = (words: string): string => `${words[0]!.toUpperCase()}${words.slice(1)}.`;
