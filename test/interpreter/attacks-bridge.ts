import type { Attack, AttackTarget } from "./attack.ts";

const python = JSON.stringify;

/** The way out of a Python that runs inside JavaScript. */
export const bridgeAttacks = ({ folder, port }: AttackTarget): Attack[] => [
  // The bridge of a Python inside JavaScript.
  { name: "JavaScript globals", core: true, code: "import js\nprint('LEAK', js.process.pid)" },
  { name: "run_js", code: "from pyodide.code import run_js\nprint('LEAK', run_js('process.pid'))" },
  {
    name: "constructor of a constructor",
    core: true,
    code: "from pyodide.ffi import to_js\nprint('LEAK', to_js([1]).constructor.constructor('return process.pid')())",
  },
  {
    name: "dynamic import",
    code: "from pyodide.ffi import to_js\nprint('LEAK', to_js([1]).constructor.constructor('return import(\"node:fs\")')())",
  },
  {
    name: "script through the C library",
    code: "import ctypes\nf = ctypes.CDLL(None).emscripten_run_script_string\nf.restype = ctypes.c_char_p\nprint('LEAK', f(b'process.pid'))",
  },
  {
    name: "mounting a host folder",
    core: true,
    code: `import pyodide_js\npyodide_js.mountNodeFS("/mnt", ${python(folder)})\nimport os\nprint("LEAK", os.listdir("/mnt"))`,
  },
  {
    name: "host file system object",
    code: `import pyodide_js\nfrom pyodide.ffi import to_js\nFS = pyodide_js.FS\nFS.mkdir("/m2")\nFS.mount(FS.filesystems.NODEFS, to_js({"root": ${python(folder)}}), "/m2")\nimport os\nprint("LEAK", os.listdir("/m2"))`,
  },
  {
    name: "module internals",
    code: `import pyodide_js\nm = pyodide_js._module\nfor name in dir(m):\n    if name in ("require", "process", "fs", "nodeFS", "child_process"): print("LEAK", name)`,
  },
  {
    name: "poisoned JavaScript prototypes",
    code: "from pyodide.ffi import to_js\nA = to_js([1]).constructor\nA.prototype.push = None\nA.prototype.slice = None\nA.constructor.prototype.call = None",
  },
  {
    name: "standard streams of the JavaScript side",
    code: "import pyodide_js\npyodide_js.setStdout()\npyodide_js.setStderr()\nprint('{\"ready\": true}', flush=True)",
  },
  // More of the bridge.
  {
    name: "fetching through the page's tools",
    code: `import asyncio
async def main():
    from pyodide.http import pyfetch
    print("LEAK", await (await pyfetch("http://127.0.0.1:${port}/")).string())
asyncio.run(main())`,
  },
  {
    name: "a timer left on the JavaScript side",
    code: `import js
from pyodide.ffi import create_proxy
js.setTimeout(create_proxy(lambda *_: print('LEAK', flush=True)), 0)`,
  },
  {
    name: "promises left behind",
    code: `import js
from pyodide.ffi import create_proxy
js.queueMicrotask(create_proxy(lambda *_: print('LEAK', flush=True)))
js.Promise.resolve(1).then(create_proxy(lambda *_: print('LEAK', flush=True)))`,
  },
  {
    name: "waiting on the JavaScript side",
    code: `import js
buffer = js.Int32Array.new(js.SharedArrayBuffer.new(4))
js.Atomics.wait(buffer, 0, 0)`,
  },
  {
    name: "loading packages",
    code: `import pyodide_js
print('LEAK', pyodide_js.loadPackage('numpy'))`,
  },
  {
    name: "memory of the wasm module",
    code: `import pyodide_js
heap = pyodide_js._module.HEAPU8
for i in range(0, 1 << 20, 64): heap[i] = 255`,
  },
  {
    name: "memory of the JavaScript side",
    code: `import js
held = []
while True:
    a = js.Uint8Array.new(1 << 26)
    a.fill(1)
    held.append(a)`,
  },
  {
    name: "an endless loop of JavaScript",
    code: `import js
js.Array.new(1 << 28).fill(0).sort().reverse()
js.String.prototype.repeat.call('a', 1 << 28).match('(a+)+b')`,
  },
  {
    name: "WebAssembly of its own",
    code: `import js
from pyodide.ffi import to_js
module = js.WebAssembly.Module.new(to_js(bytes.fromhex('0061736d01000000')))
memory = js.WebAssembly.Memory.new(js.Object.fromEntries(to_js([['initial', 60000]])))
print(js.WebAssembly.Instance.new(module))`,
  },
];
