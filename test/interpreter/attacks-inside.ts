import type { Attack } from "./attack.ts";

/** Forging results, crashing the interpreter, poisoning it for the next snippet. */
export const insideAttacks = (): Attack[] => [
  // The result's way out.
  {
    name: "forged reply on every descriptor",
    code: "import os, json\nline = (json.dumps({'id': 1, 'done': 'report', 'report': '{}', 'reusable': True}) + '\\n').encode()\nfor fd in range(0, 10):\n    try: os.write(fd, line * 3)\n    except OSError: pass",
  },
  { name: "closed descriptors", code: "import os\nos.closerange(0, 256)" },
  {
    name: "redirected output",
    code: "import sys, io\nsys.stdout = sys.__stdout__ = sys.stderr = io.StringIO()\nprint('lost')",
  },
  { name: "endless output", core: true, ends: "outputLimit", code: "while True: print('x' * 1000)" },
  {
    name: "endless binary output on stderr",
    ends: "outputLimit",
    code: "import sys\nwhile True: sys.stderr.buffer.write(bytes(range(256)) * 16)",
  },
  // Crashes.
  {
    name: "deep recursion without limit",
    code: "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return [f()]\nf()",
  },
  {
    name: "recursion in native code",
    code: "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
  },
  {
    name: "bad pointer",
    core: true,
    ends: "crash",
    code: "import ctypes\nctypes.string_at(8)\nctypes.memset(2**31 - 8, 1, 2**20)",
  },
  { name: "abort", ends: "crash", code: "import os\nos.abort()" },
  { name: "os._exit", ends: "crash", code: "import os\nos._exit(0)" },
  { name: "sys.exit in a hook", code: "import sys\nsys.excepthook = lambda *a: sys.exit(0)\n1/0" },
  // Poison for the next snippet.
  {
    name: "poisoned builtins",
    core: true,
    code: "import builtins, math, os, sys, json\nbuiltins.len = lambda x: 0\nbuiltins.sum = builtins.print = builtins.sorted = None\nmath.sqrt = lambda x: 0\nos.listdir = lambda *a: ['poison']\njson.dumps = lambda *a: ''\nsys.modules['math'] = None",
  },
  { name: "poisoned classes", code: "import io, traceback\nio.TextIOWrapper.write = None\n" },
  { name: "files left in /tmp", code: "open('/tmp/left', 'w').write('x')\nopen('left', 'w').write('x')" },
  {
    name: "walking frames to the harness",
    core: true,
    code: "import sys, gc\nf = sys._getframe()\nwhile f:\n    for k in list(f.f_globals):\n        if k in ('execute', 'prepare', '_describe', 'restore', 'remember', 'serve', 'answer'): f.f_globals[k] = lambda *a: '{\"exitCode\": 0, \"error\": null}'\n    f = f.f_back",
  },
  {
    name: "trace function",
    code: "import sys, threading\ndef t(*a): raise ValueError\nsys.settrace(t); sys.setprofile(t)",
  },
  // More of the result and its harness.
  {
    name: "a forged report",
    ends: "crash",
    core: true,
    code: `import os, json
report = json.dumps({'exitCode': 0, 'error': None, 'value': 'forged', 'images': [{'mime': 'text/html', 'data': '<script>'}]})
for fd in (3, 4, 5):
    try: os.write(fd, report.encode())
    except OSError: pass
os._exit(0)`,
  },
  {
    name: "a report without end",
    code: `import os
while True: os.write(3, b'[' * 65536)`,
  },
  {
    name: "closed streams",
    code: `import sys, os
sys.stdout.close()
sys.stderr.close()
os.close(1)
print('lost')`,
  },
  {
    name: "streams that are no streams",
    ends: "timeout",
    code: `import sys
class Never:
    def write(self, text): return len(text)
    def flush(self):
        while True: pass
sys.stdout = sys.stderr = Never()
print('lost')`,
  },
  {
    name: "no streams at all",
    code: `import sys
sys.stdout = sys.stderr = sys.stdin = None
1 / 0`,
  },
  {
    name: "an exception without end",
    ends: "timeout",
    code: `class Odd(BaseException):
    def __str__(self):
        while True: pass
raise Odd`,
  },
  {
    name: "an exception that lies",
    code: `class Meta(type):
    __name__ = property(lambda self: 1 / 0)
class Odd(Exception, metaclass=Meta):
    def __str__(self): raise SystemExit(0)
    __repr__ = __str__
    __class__ = property(lambda self: 1 / 0)
Odd.__qualname__ = '\\ud800'
raise Odd`,
  },
  {
    name: "an exception with a giant message",
    code: `raise ValueError('x' * (10**7))`,
  },
  {
    name: "exceptions in a ring and in a row",
    code: `a = ValueError('a')
b = ValueError('b')
a.__cause__ = b
b.__cause__ = a
c = a
for i in range(100000):
    d = KeyError(i)
    d.__context__ = c
    c = d
raise c`,
  },
  {
    name: "odd exit codes",
    code: `class Code:
    def __str__(self): raise KeyboardInterrupt
    __repr__ = __index__ = __int__ = __str__
raise SystemExit(Code())`,
  },
  {
    name: "a giant exit code",
    code: `raise SystemExit(2 ** 100)`,
  },
  {
    name: "hooks",
    code: `import sys
def hook(*_):
    while True: pass
sys.excepthook = sys.unraisablehook = sys.displayhook = hook
sys.addaudithook(lambda name, arguments: 1 / 0 if name == 'open' else None)
class A:
    def __del__(self): 1 / 0
a = A()
del a`,
  },
  {
    name: "modules and builtins removed",
    core: "jail",
    code: `import sys, builtins
sys.modules.clear()
vars(builtins).clear()`,
  },
  {
    name: "the harness's functions, found by the garbage collector",
    code: `import gc
for thing in gc.get_objects():
    try:
        if type(thing).__name__ == 'function' and thing.__name__ in ('execute', '_describe', '_evaluate', 'prepare', 'restore', 'dumps', 'answer'):
            thing.__code__ = (lambda *a, **k: '{"exitCode": 0, "error": null, "value": null}').__code__
    except Exception: pass`,
  },
  {
    name: "small numbers changed in place",
    core: true,
    code: `import ctypes, sys
size = sys.getsizeof(1)
for number in (2, 42):
    ctypes.memmove(id(number) + size - 4, (7).to_bytes(4, 'little'), 4)`,
  },
  {
    name: "code that is no code",
    code: `f = lambda: 0
f.__code__ = f.__code__.replace(co_code=bytes([100, 200, 83, 0]) * 4, co_consts=())
f()`,
  },
  {
    name: "a signal of its own",
    code: `import os, signal
for number in (signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL):
    os.kill(os.getpid(), number)
import ctypes
ctypes.string_at(0)`,
  },
  // More poison.
  {
    name: "import hooks and paths",
    core: true,
    code: `import sys
class Finder:
    def find_spec(self, name, *_): raise SystemExit(name)
sys.meta_path.insert(0, Finder())
sys.path.insert(0, '/tmp')
sys.path_hooks.clear()
for name in ('json', 'math', 'statistics'): open('/tmp/' + name + '.py', 'w').write('print("LEAK")')`,
  },
  {
    name: "settings of the process",
    code: `import decimal, gc, locale, os, random, sys, threading, warnings
decimal.getcontext().prec = 1
decimal.DefaultContext.prec = 1
random.seed(7)
random.random = lambda: 0
os.environ['PYTHONHASHSEED'] = '7'
warnings.filterwarnings('error')
gc.disable()
sys.setrecursionlimit(50)
sys.setswitchinterval(100)
os.umask(0o777)
os.chdir('/')`,
  },
  {
    name: "poisoned sympy",
    code: `import sympy, sympy.core.cache
sympy.integrate = lambda *a: "LEAK"
sympy.Symbol.__add__ = sympy.Integer.__add__ = lambda *a: sympy.Integer(7)
sympy.core.numbers.Integer.__str__ = sympy.Basic.__str__ = lambda self: "LEAK"
sympy.S.One.p = 5`,
    after: {
      code: `try: import sympy
except ImportError: print("x**2/2 + x 3")
else:
    x = sympy.Symbol("x")
    print(sympy.integrate(1 + x), sympy.Integer(1) + 2)`,
      stdout: "x**2/2 + x 3\n",
    },
  },
  {
    name: "poisoned numpy",
    code: `import numpy
numpy.sum = numpy.add = None
numpy.set_printoptions(formatter={"all": lambda x: "LEAK"})
numpy.random.seed(7)
numpy.ndarray.flags`,
    after: {
      code: `try: import numpy
except ImportError: print("[0 1 2] 3")
else: print(numpy.arange(3), numpy.sum([1, 2]))`,
      stdout: "[0 1 2] 3\n",
    },
  },
];
