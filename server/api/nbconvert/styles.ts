/** The look of an exported page: light or dark as the reader's system is, fit for phones and for paper. */
export const styles = `
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --faint: #6a737d; --box: #f6f8fa; --line: #d8dee4;
  --link: #0b5cad; --red: #b42318; --green: #196c2e; --amber: #8a5a00; --blue: #0b5cad; --violet: #6f42c1; --cyan: #116874; --error: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --paper: #14171b; --faint: #98a1ab; --box: #1d2127;
  --line: #343a42; --link: #78b4f5; --red: #ff9488; --green: #7ece8d; --amber: #e6b35c; --blue: #82b6f2; --violet: #c4a5f5; --cyan: #6cc9d6; --error: #3a1f1d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
section { margin: 0 0 1.1rem; }
.cell { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); }
.cell > div:last-child { grid-column: 2; min-width: 0; }
.prompt { padding: .6rem .6rem 0 0; text-align: right; color: var(--faint); font: 12.5px/1.5 ui-monospace, monospace; }
section:not(.cell) { padding-left: 3.5rem; }
pre { margin: 0; padding: .1rem 0; overflow-x: auto; font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.code { padding: .6rem .8rem; background: var(--box); border: 1px solid var(--line); border-radius: 5px; white-space: pre; overflow-wrap: normal; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9em; }
pre code { font-size: inherit; }
.outputs { padding: .5rem 0 0 .8rem; overflow-x: auto; }
.outputs > * + * { margin-top: .5rem; }
.stderr, .error { padding: .4rem .6rem; background: var(--error); border-radius: 4px; }
img, svg { max-width: 100%; height: auto; }
.outputs img { background: #fff; }
table { border-collapse: collapse; font-size: .92em; }
th, td { padding: .3rem .7rem; border: 1px solid var(--line); text-align: left; }
th { background: var(--box); }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--faint); }
h1, h2, h3, h4 { line-height: 1.25; margin: 1.4em 0 .5em; }
h1:first-child, h2:first-child, h3:first-child { margin-top: .2em; }
a { color: var(--link); }
hr { border: 0; border-top: 1px solid var(--line); }
summary { color: var(--faint); cursor: pointer; }
math[display=block] { margin: .8em 0; overflow-x: auto; }
.hljs-keyword, .hljs-built_in, .hljs-literal { color: var(--violet); }
.hljs-string, .hljs-regexp, .hljs-subst { color: var(--green); }
.hljs-number, .hljs-symbol { color: var(--amber); }
.hljs-comment, .hljs-quote { color: var(--faint); font-style: italic; }
.hljs-title, .hljs-type, .hljs-attr, .hljs-meta { color: var(--blue); }
.ansi-red-fg, .ansi-bright-red-fg { color: var(--red); } .ansi-green-fg, .ansi-bright-green-fg { color: var(--green); }
.ansi-yellow-fg, .ansi-bright-yellow-fg { color: var(--amber); } .ansi-blue-fg, .ansi-bright-blue-fg { color: var(--blue); }
.ansi-magenta-fg, .ansi-bright-magenta-fg { color: var(--violet); } .ansi-cyan-fg, .ansi-bright-cyan-fg { color: var(--cyan); }
.ansi-black-fg, .ansi-bright-black-fg { color: var(--faint); }
@media (max-width: 40rem) { .cell { display: block; } .prompt { text-align: left; padding: 0; } section:not(.cell) { padding-left: 0; } .outputs { padding-left: 0; } }
@media print { main { max-width: none; padding: 0; } pre.code { white-space: pre-wrap; } .cell { break-inside: avoid-page; } }
`;
