/** The page's nonce: a script that carries it may run. The browser shows it to scripts only. */
function pageNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

const handler = /^on[a-z]+$/;
let marked = 0;

/**
 * Lets the scripts of trusted markup run under the page's policy: script elements get the nonce; handlers in attributes
 * (`onclick="..."`), which no nonce can let through, become scripts that set them.
 *
 * @param root parsed markup that is not yet in the page; changed in place.
 */
export function letScriptsRun(root: DocumentFragment | Document): void {
  const nonce = pageNonce();
  const added: HTMLScriptElement[] = [];
  for (const element of root.querySelectorAll("*"))
    for (const { name, value } of [...element.attributes]) {
      if (!handler.test(name)) continue;
      element.removeAttribute(name);
      const mark = `cirlab-on-${marked++}`;
      element.setAttribute("data-handler", `${element.getAttribute("data-handler") ?? ""} ${mark}`.trim());
      const script = document.createElement("script");
      // Inside a script element only this sequence would end it.
      const body = value.replace(/<\//g, "<\\/");
      script.textContent = `document.querySelector('[data-handler~="${mark}"]').${name} = function (event) {\n${body}\n};`;
      added.push(script);
    }
  ("body" in root ? root.body : root).append(...added);
  for (const script of root.querySelectorAll("script")) script.setAttribute("nonce", nonce);
}
