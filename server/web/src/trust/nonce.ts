/** The page's nonce: a script that carries it may run. The browser shows it to scripts only. */
function pageNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

const handler = /^on[a-z]+$/;
let marked = 0;

/** Where the type of a script is kept that waits. */
const waitingType = "data-waiting-type";

/**
 * Turns the handlers in attributes of trusted markup (`onclick="..."`), which no nonce can let through a policy, into
 * scripts that set them.
 *
 * @param root parsed markup that is not yet in the page; changed in place.
 */
function handlersToScripts(root: DocumentFragment | Document): void {
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
}

/** A trusted document for a frame that inherits the page's policy: its scripts carry the page's nonce. */
export function withNonces(html: string): string {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  handlersToScripts(parsed);
  for (const script of parsed.querySelectorAll("script")) script.setAttribute("nonce", pageNonce());
  return parsed.documentElement.innerHTML;
}

/** Trusted markup for the page whose scripts wait for `runWaiting`. */
export function withWaitingScripts(html: string): string {
  const template = document.createElement("template");
  template.innerHTML = html;
  handlersToScripts(template.content);
  for (const script of template.content.querySelectorAll("script")) {
    script.setAttribute(waitingType, script.type);
    script.type = "text/plain";
  }
  return template.innerHTML;
}

/**
 * Runs the scripts that wait in an element, in their order. They get the nonce only now: from a script that already is
 * in the page, the browser takes the attribute away, so that it could not be copied with the script.
 */
export function runWaiting(element: HTMLElement): void {
  for (const waiting of element.querySelectorAll<HTMLScriptElement>(`script[${waitingType}]`)) {
    const script = document.createElement("script");
    for (const { name, value } of waiting.attributes)
      if (name !== "type" && name !== waitingType) script.setAttribute(name, value);
    const type = waiting.getAttribute(waitingType);
    if (type) script.type = type;
    script.nonce = pageNonce();
    script.async = false;
    script.textContent = waiting.textContent;
    waiting.replaceWith(script);
  }
}
