/** What of the host an attack is aimed at. */
export interface AttackTarget {
  /** A file of the host that holds "TOP SECRET". */
  secret: string;
  /** A folder of the host that the driver can write to. */
  folder: string;
  /** A TCP server on the loopback interface. */
  port: number;
  /** The driver's process. */
  pid: number;
}

/** A hostile snippet. It prints LEAK where it got what it wanted; `core` ones are in the quick tests. */
export interface Attack {
  name: string;
  core?: true;
  code: string;
}

const python = JSON.stringify;

/** One snippet or more of every class that a sandbox must survive. */
export function attacks({ secret, folder, port, pid }: AttackTarget): Attack[] {
  const afterGetting = (expression: string): string => `r = ${expression}\nprint("LEAK", r)`;
  return [
    // Time.
    { name: "endless loop", core: true, code: "while True: pass" },
    {
      name: "endless loop that swallows every exception",
      core: true,
      code: "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    },
    {
      name: "endless loop with signals blocked",
      code: "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError, RuntimeError): pass\nwhile True: pass",
    },
    { name: "endless loop in native code", code: "sum(range(10**14))" },
    { name: "catastrophic regular expression", code: "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')" },
    { name: "long sleep", code: "import time\ntime.sleep(3600)" },
    { name: "giant power", code: "x = 9 ** 9 ** 9" },
    {
      name: "hanging atexit and finalizer",
      code: "import atexit, time\natexit.register(lambda: time.sleep(3600))\nclass A:\n    def __del__(self):\n        while True: pass\na = A()",
    },
    // Memory, files, processes.
    { name: "memory bomb", core: true, code: "x = [0]\nwhile True: x = x + x" },
    { name: "one large allocation", code: "x = bytearray(2 * 10**9)\nprint('LEAK')" },
    { name: "many small allocations", code: "d = {}\ni = 0\nwhile True:\n    d[i] = str(i) * 50\n    i += 1" },
    {
      name: "full disk",
      core: true,
      code: "with open('/tmp/big', 'wb') as f:\n    for _ in range(64): f.write(b'x' * (1 << 20))\nprint('LEAK')",
    },
    { name: "many files", code: "for i in range(10**6): open(f'/tmp/{i}', 'w').close()" },
    { name: "fork bomb", core: true, code: "import os\nwhile True:\n    if os.fork() == 0: print('LEAK')" },
    {
      name: "daemonised grandchild",
      code: "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        print('LEAK', flush=True)\n        time.sleep(3600)",
    },
    {
      name: "threads left behind",
      code: "import threading\ndef spin():\n    while True: pass\nfor _ in range(50): threading.Thread(target=spin).start()",
    },
    { name: "subprocess", core: true, code: "import subprocess\nprint('LEAK', subprocess.check_output(['id']))" },
    { name: "shell through the C library", code: "import posix\nif posix.system('true') == 0: print('LEAK')" },
    {
      name: "shell through unpickling",
      code: "import pickle, posix\nclass A:\n    def __reduce__(self): return (posix.system, ('true',))\nif pickle.loads(pickle.dumps(A())) == 0: print('LEAK')",
    },
    { name: "exec", code: "import os\nos.execv('/usr/bin/true', ['true'])" },
    // Other processes.
    {
      name: "killing the parent and everybody",
      core: true,
      code: "import os\nfor pid in (os.getppid(), 0, -1, 1):\n    try: os.kill(pid, 9)\n    except OSError: pass",
    },
    { name: "killing the driver", code: `import os\nos.kill(${pid}, 9)\nprint("LEAK")` },
    {
      name: "ptrace and foreign memory",
      code: `import ctypes\nlibc = ctypes.CDLL(None)\nif libc.ptrace(16, ${pid}, 0, 0) == 0: print("LEAK")`,
    },
    {
      name: "process environments",
      code: "import glob\nfor p in glob.glob('/proc/[0-9]*/environ'): print('LEAK', open(p, 'rb').read(), p)",
    },
    // Host files.
    { name: "reading a host file", core: true, code: `${afterGetting(`open(${python(secret)}).read()`)}` },
    {
      name: "reading through a link",
      code: `import os\nos.symlink(${python(secret)}, "/tmp/link")\n${afterGetting("open('/tmp/link').read()")}`,
    },
    { name: "writing a host file", core: true, code: `open(${python(`${folder}/written`)}, "w").write("x")` },
    {
      name: "writing system paths",
      code: "import sys\nfor p in ('/usr/x', '/etc/x', '/bin/x', '/root/x', '/x'):\n    try: open(p, 'w').close()\n    except OSError: pass",
    },
    {
      name: "new namespaces and mounts",
      code: "import ctypes\nlibc = ctypes.CDLL(None)\nif libc.unshare(0x10000000) == 0 or libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0: print('LEAK')",
    },
    {
      name: "raising limits",
      code: "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nx = bytearray(10**10)\nprint('LEAK')",
    },
    {
      name: "inherited descriptors",
      code: "import os\nfor fd in range(4, 256):\n    try:\n        os.write(fd, b'forged\\n')\n        print('LEAK', fd)\n    except OSError: pass",
    },
    // Network.
    {
      name: "loopback network",
      core: true,
      code: `import socket\ns = socket.create_connection(("127.0.0.1", ${port}), 1)\ns.sendall(b"hello")\nprint("LEAK", s.recv(10))`,
    },
    {
      name: "name service",
      code: "import socket\nif socket.gethostbyname('example.com')[:4] not in ('172.', '127.'): print('LEAK')",
    },
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
    { name: "endless output", core: true, code: "while True: print('x' * 1000)" },
    {
      name: "endless binary output on stderr",
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
    { name: "bad pointer", core: true, code: "import ctypes\nctypes.string_at(8)\nctypes.memset(2**31 - 8, 1, 2**20)" },
    { name: "abort", code: "import os\nos.abort()" },
    { name: "os._exit", code: "import os\nos._exit(0)" },
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
  ];
}

/** What runs after each attack, and its exact output. */
export const ordinarySnippet = `import os, math, sys, json
print(os.listdir("/tmp"), len([1, 2]), math.sqrt(4), sum([1, 2]), sorted([2, 1]), json.dumps([1]), 6 * 7)
print(os.path.exists("left"), sys.gettrace(), sys.getrecursionlimit())`;
export const ordinaryOutput = "[] 2 2.0 3 [1, 2] [1] 42\nFalse None 1000\n";
