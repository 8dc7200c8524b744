/** Keys that move a slider, choose from a list or press a button; the notebook has shortcuts on all of them. */
const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "Enter", " "];

/** Where the application looks for a reason to leave a key alone. */
const attribute = "data-lm-suppress-shortcuts";

/** Leaves the keys of a widget's control to the control. */
export function keepKeys(): void {
  // On the window, to be asked before the application, which listens on the document.
  window.addEventListener(
    "keydown",
    ({ target, key, ctrlKey, altKey, metaKey, shiftKey }) => {
      if (!keys.includes(key) || ctrlKey || altKey || metaKey || shiftKey || !(target instanceof HTMLElement)) return;
      if (!target.matches(".jupyter-widgets :is([role=slider], select, input, button), button.jupyter-widgets")) return;
      target.setAttribute(attribute, "");
      setTimeout(() => target.removeAttribute(attribute));
    },
    true,
  );
}
