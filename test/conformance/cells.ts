/**
 * The cells that the checks run, in one language. What a kernel offers no way for is missing, and the check fails.
 */
export interface Cells {
  /** Prints `text` and a new line to standard output, or to standard error. */
  print(text: string): string;
  warn(text: string): string;
  /** Prints 0 .. n-1, a line each. */
  printMany(n: number): string;
  /** Prints `megabytes` lines of a mebibyte. */
  printMuch(megabytes: number): string;
  /** Throws "on purpose" on its third line; what its class is called; how that line looks in a traceback. */
  readonly raise: string;
  readonly raised: string;
  readonly raisedLine: RegExp;
  /** Declares `kept` as 41, and gives `kept + 1`. */
  readonly keep: string;
  readonly kept: string;
  /** Declares `kept` anew, as text. */
  readonly redeclare: string;
  /** Two cells: a function that reads a variable, and an assignment with a call that shall see it. */
  readonly closure: readonly [string, string];
  /** Awaits at the top level, result 42. */
  readonly topAwait: string;
  /** An expression that fails. */
  readonly badExpression: string;
  /** An object whose text/html is `<b>x</b>`, as the cell's result. */
  readonly htmlResult: string | undefined;
  /** Shows `<b>x</b>` with metadata { a: 1 } under the display id "d1"; updates it; clears with `wait`. */
  readonly display: string | undefined;
  readonly update: string | undefined;
  readonly clear: string | undefined;
  /** Samples for is_complete. */
  readonly complete: string;
  readonly incomplete: string;
  readonly indented: string;
  readonly invalid: string;
  /** Defines `model`, whose member `train` is documented with "Trains the model". */
  readonly model: string;
  /** A builtin: what is typed, and what completes it. */
  readonly builtin: readonly [string, string];
  /** Text before `model.tr` on the same line that holds characters outside the basic plane. */
  readonly emoji: string;
  /** Opens a comm "slider" and sends { value: 2 } with bytes 7, 8; echoes what comes as { echo } with its buffers. */
  readonly comm: string | undefined;
  /** Makes comms that the page opens to "echo" answer { echo: data }. */
  readonly commTarget: string | undefined;
  /** Reads a line after "name? " and gives its length; the same for a password. */
  readonly input: string | undefined;
  readonly password: string | undefined;
  /** Prints "started" and then never ends. */
  readonly spin: string;
  /** Prints `late` 50 ms after the cell has ended; a cell that takes 200 ms. */
  readonly late: string;
  readonly wait: string;
  /** Ends the process. */
  readonly exit: string;
  /** What the busy cells below use. */
  readonly busyHelpers: string;
  /** Cells that print "started" and are busy in different ways. */
  readonly busy: Readonly<Record<BusyName, string | undefined>>;
}

export const busyNames = [
  "while (true)",
  "a loop that catches everything",
  "an endless loop inside a builtin's callback",
  "a catastrophic regular expression",
  "an awaited timer of ten minutes",
  "an asynchronous training loop",
  "a loop after an await",
  "a storm of microtasks",
  "a loop in an awaited timer",
  "a loop in a function of an older cell",
  "an endless generator",
  "a builtin's synchronous loop after an await",
] as const;
export type BusyName = (typeof busyNames)[number];

const host = 'const host = (globalThis as any)[Symbol.for("Jupyter.host")];';

const typescriptBusy: Record<BusyName, string> = {
  "while (true)": "console.log('started'); while (true) {}",
  "a loop that catches everything": "console.log('started'); while (true) { try { while (true) {} } catch {} }",
  "an endless loop inside a builtin's callback":
    "console.log('started'); [1].forEach(() => { for (;;) JSON.parse('[1]'); })",
  "a catastrophic regular expression": "console.log('started'); /^(a+)+$/.test('a'.repeat(60) + 'b')",
  "an awaited timer of ten minutes": "console.log('started'); await new Promise((r) => setTimeout(r, 600_000))",
  "an asynchronous training loop": "console.log('started'); await training()",
  "a loop after an await": "await null; console.log('started'); while (true) {}",
  "a storm of microtasks": "console.log('started'); await (async () => { for (;;) await null; })()",
  "a loop in an awaited timer":
    "await new Promise<void>(() => setTimeout(() => { console.log('started'); for (;;) {} }, 1))",
  "a loop in a function of an older cell": "await null; console.log('started'); endless()",
  "an endless generator": "await null; console.log('started'); for (const x of numbers()) void x",
  "a builtin's synchronous loop after an await":
    "await null; console.log('started'); Array.prototype.reduce.call({ length: 2 ** 40 }, (a: any) => a, 0)",
};

/** This package's kernel. */
export const typescript: Cells = {
  print: (text) => `console.log(${JSON.stringify(text)})`,
  warn: (text) => `console.error(${JSON.stringify(text)})`,
  printMany: (n) => `for (let i = 0; i < ${n}; i++) console.log(i)`,
  printMuch: (megabytes) => `for (let i = 0; i < ${megabytes}; i++) console.log('x'.repeat(2 ** 20))`,
  raise: "const before = 1;\n\nthrow new RangeError('on purpose');",
  raised: "RangeError",
  raisedLine: /:3:7/,
  keep: "let kept = 41;",
  kept: "kept + 1",
  redeclare: "let kept: string = 'text'; kept.length",
  closure: ["let seen = 1; function see() { return seen; }", "seen = 5; see()"],
  topAwait: "await Promise.resolve(42)",
  badExpression: "missingName",
  htmlResult: "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>' }) })",
  display: `{ ${host} host.display({ 'text/html': '<b>x</b>' }, { displayId: 'd1', metadata: { a: 1 } }); }`,
  update: `{ ${host} host.update('d1', { 'text/html': '<b>y</b>' }); }`,
  clear: `{ ${host} host.clear(true); }`,
  complete: "const a: number = 1;",
  incomplete: "const text = `open",
  indented: "function f() {",
  invalid: "const = 3",
  model:
    "class Model {\n  /** Trains the model. */\n  train(steps: number) { return steps; }\n}\nconst model = new Model();",
  builtin: ["Math.sqr", "sqrt"],
  emoji: "'😀😀'; ",
  comm: `{ ${host}
const comm = host.openComm("slider", { value: 1 });
comm.onMessage((data: any, buffers: Uint8Array[]) => comm.send({ echo: data }, buffers));
comm.send({ value: 2 }, [new Uint8Array([7, 8])]); }`,
  commTarget: `{ ${host} host.registerTarget("echo", (comm: any, data: any) => comm.send({ echo: data })); }`,
  input: "(await input('name? ')).length",
  password: "(await input('name? ', { password: true })).length",
  spin: "console.log('started'); while (true) {}",
  late: "setTimeout(() => console.log('late'), 50); 1",
  wait: "await new Promise((r) => setTimeout(r, 200))",
  exit: "process.exit(3)",
  busyHelpers: `async function training() { for (let i = 0; ; i++) { await new Promise((r) => setTimeout(r, 1)); } }
function endless() { while (true) {} }
function* numbers() { for (let i = 0; ; i++) yield i; }`,
  busy: typescriptBusy,
};

/** tslab: displays through its own module; no comms, input or clear_output. */
export const tslab: Cells = {
  ...typescript,
  htmlResult: undefined,
  display: "import { newDisplay } from 'tslab'; const shown = newDisplay(); shown.html('<b>x</b>')",
  update: "shown.html('<b>y</b>')",
  clear: undefined,
  comm: undefined,
  commTarget: undefined,
  input: undefined,
  password: undefined,
};

/** Deno: `Deno.jupyter`. */
export const deno: Cells = {
  ...typescript,
  htmlResult: "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>' }) })",
  display:
    "await Deno.jupyter.broadcast('display_data', { data: { 'text/html': '<b>x</b>' }, metadata: { a: 1 }, transient: { display_id: 'd1' } })",
  update:
    "await Deno.jupyter.broadcast('update_display_data', { data: { 'text/html': '<b>y</b>' }, metadata: {}, transient: { display_id: 'd1' } })",
  clear: "await Deno.jupyter.broadcast('clear_output', { wait: true })",
  comm: undefined,
  commTarget: undefined,
  input: "(prompt('name? ') ?? '').length",
  password: undefined,
  exit: "Deno.exit(3)",
};

/** ipykernel. */
export const python: Cells = {
  print: (text) => `print(${JSON.stringify(text)})`,
  warn: (text) => `import sys; print(${JSON.stringify(text)}, file=sys.stderr)`,
  printMany: (n) => `for i in range(${n}): print(i)`,
  printMuch: (megabytes) => `for i in range(${megabytes}): print("x" * 2**20)`,
  raise: "before = 1\n\nraise ValueError('on purpose')",
  raised: "ValueError",
  raisedLine: /3 raise|line 3/,
  keep: "kept = 41",
  kept: "kept + 1",
  redeclare: "kept = 'text'; len(kept)",
  closure: ["seen = 1\ndef see(): return seen", "seen = 5; see()"],
  topAwait: "import asyncio\nasync def answer(): return 42\nawait answer()",
  badExpression: "missing_name",
  htmlResult: "class X:\n    def _repr_html_(self): return '<b>x</b>'\nX()",
  display:
    "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'), display_id='d1', metadata={'text/html': {'a': 1}})",
  update: "from IPython.display import HTML, update_display\nupdate_display(HTML('<b>y</b>'), display_id='d1')",
  clear: "from IPython.display import clear_output\nclear_output(wait=True)",
  complete: "a = 1",
  incomplete: "text = '''open",
  indented: "def f():",
  invalid: "1 = = 3",
  model:
    "class Model:\n    def train(self, steps):\n        'Trains the model.'\n        return steps\nmodel = Model()",
  builtin: ["str.uppe", "upper"],
  emoji: "'😀😀'; ",
  comm: `from comm import create_comm
comm = create_comm(target_name="slider", data={"value": 1})
comm.on_msg(lambda m: comm.send({"echo": m["content"]["data"]}, buffers=m["buffers"]))
comm.send({"value": 2}, buffers=[bytes([7, 8])])`,
  commTarget: `from comm import get_comm_manager
get_comm_manager().register_target("echo", lambda comm, m: comm.send({"echo": m["content"]["data"]}))`,
  input: "len(input('name? '))",
  password: "import getpass\nlen(getpass.getpass('name? '))",
  spin: "print('started', flush=True)\nwhile True: pass",
  late: "import threading\nthreading.Timer(0.05, lambda: print('late')).start()\n1",
  wait: "import time\ntime.sleep(0.2)",
  exit: "import os\nos._exit(3)",
  busyHelpers: `import asyncio, re, itertools, functools
async def training():
    while True: await asyncio.sleep(0.001)
def endless():
    while True: pass
def numbers():
    i = 0
    while True:
        i += 1
        yield i
async def storm():
    while True: await asyncio.sleep(0)
async def delayed():
    await asyncio.sleep(0.001)
    print('started', flush=True)
    endless()`,
  busy: {
    "while (true)": "print('started', flush=True)\nwhile True: pass",
    "a loop that catches everything":
      "print('started', flush=True)\nwhile True:\n    try:\n        while True: pass\n    except: pass",
    "an endless loop inside a builtin's callback": "print('started', flush=True)\nlist(map(lambda x: endless(), [1]))",
    "a catastrophic regular expression": "print('started', flush=True)\nre.match('^(a+)+$', 'a' * 60 + 'b')",
    "an awaited timer of ten minutes": "print('started', flush=True)\nawait asyncio.sleep(600)",
    "an asynchronous training loop": "print('started', flush=True)\nawait training()",
    "a loop after an await": "await asyncio.sleep(0)\nprint('started', flush=True)\nwhile True: pass",
    "a storm of microtasks": "print('started', flush=True)\nawait storm()",
    "a loop in an awaited timer": "await asyncio.create_task(delayed())",
    "a loop in a function of an older cell": "await asyncio.sleep(0)\nprint('started', flush=True)\nendless()",
    "an endless generator": "await asyncio.sleep(0)\nprint('started', flush=True)\nfor x in numbers(): pass",
    "a builtin's synchronous loop after an await":
      "await asyncio.sleep(0)\nprint('started', flush=True)\nsum(itertools.repeat(0, 2**40))",
  },
};
