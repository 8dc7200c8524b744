import type { Attack } from "./attack.ts";

/** Time, memory, files and processes without end. */
export const resourceAttacks = (): Attack[] => [
  // Time.
  { name: "endless loop", core: true, ends: "timeout", code: "while True: pass" },
  {
    name: "endless loop that swallows every exception",
    ends: "timeout",
    core: true,
    code: "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
  },
  {
    name: "endless loop with signals blocked",
    ends: "timeout",
    code: "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError, RuntimeError): pass\nwhile True: pass",
  },
  { name: "endless loop in native code", ends: "timeout", code: "sum(range(10**14))" },
  { name: "catastrophic regular expression", ends: "timeout", code: "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')" },
  { name: "long sleep", ends: "timeout", code: "import time\ntime.sleep(3600)" },
  { name: "giant power", ends: "timeout", code: "x = 9 ** 9 ** 9" },
  {
    name: "hanging atexit and finalizer",
    code: "import atexit, time\natexit.register(lambda: time.sleep(3600))\nclass A:\n    def __del__(self):\n        while True: pass\na = A()",
  },
  // Memory, files, processes.
  { name: "memory bomb", core: true, ends: "memory", code: "x = [0]\nwhile True: x = x + x" },
  { name: "one large allocation", ends: "memory", code: "x = bytearray(2 * 10**9)\nprint('LEAK')" },
  {
    name: "many small allocations",
    code: "d = {}\ni = 0\nwhile True:\n    d[i] = str(i) * 50\n    i += 1",
  },
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
  // Less usual ways to spend time and memory.
  {
    name: "a giant number as text",
    ends: "timeout",
    code: `import sys
if hasattr(sys, 'set_int_max_str_digits'): sys.set_int_max_str_digits(0)
print(len(str(7 ** (10 ** 8))))`,
  },
  {
    name: "timers that never stop",
    code: `import signal
def again(*_):
    while True: pass
signal.signal(signal.SIGALRM, again)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while True: pass`,
  },
  {
    name: "stopping itself",
    code: `import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
while True: pass`,
  },
  {
    name: "hanging at exit",
    code: `import atexit, time
atexit.register(time.sleep, 3600)
print('ended')`,
  },
  {
    name: "a thread that is not waited for",
    core: "jail",
    code: `import threading, time
def later():
    time.sleep(0.3)
    print('LEAK', flush=True)
threading.Thread(target=later, daemon=True).start()`,
  },
  {
    name: "a thread that never ends",
    code: `import threading, time
threading.Thread(target=time.sleep, args=(3600,)).start()
print('ended')`,
  },
  {
    name: "a hundred thousand threads",
    code: `import threading, time
for _ in range(10**5): threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()`,
  },
  {
    name: "forks from threads",
    code: `import os, threading
def spread():
    while True:
        if os.fork() == 0: print('LEAK')
for _ in range(8): threading.Thread(target=spread).start()`,
  },
  {
    name: "vfork and posix_spawn",
    code: `import os
print('LEAK', os.posix_spawn('/usr/bin/true', ['true'], {}))`,
  },
  {
    name: "multiprocessing",
    code: `import multiprocessing
with multiprocessing.get_context('fork').Pool(2) as pool: print('LEAK', pool.map(abs, [-1]))`,
  },
  {
    name: "mapped memory",
    code: `import mmap
held = []
while True:
    m = mmap.mmap(-1, 1 << 26)
    m.write(b'x' * (1 << 26))
    held.append(m)`,
  },
  {
    name: "decompression bomb",
    code: `import zlib
d = zlib.compressobj(9)
bomb = b''.join(d.compress(bytes(1 << 24)) for _ in range(256)) + d.flush()
x = zlib.decompress(bomb)`,
  },
  {
    name: "endless device",
    code: `data = open('/dev/zero', 'rb').read()
print('LEAK')`,
  },
  {
    name: "sparse file",
    code: `with open('/tmp/sparse', 'wb') as f: f.truncate(10**13)
print('LEAK')`,
  },
  {
    name: "every descriptor",
    code: `import os
held = []
while True:
    try: held.append(os.open('/tmp', os.O_RDONLY))
    except OSError: break
0 / 0`,
  },
  {
    name: "a pipe that nobody reads",
    code: `import os
r, w = os.pipe()
while True: os.write(w, b'x' * 4096)`,
  },
  {
    name: "deeply nested source",
    code: `exec('(' * 100000 + ')' * 100000)`,
  },
  {
    name: "a very long expression",
    code: `eval('+'.join(['1'] * 300000) + ' if 1 else ' + '-' * 100000 + '1')`,
  },
  {
    name: "memory and output in turn",
    code: `while True: print('x' * 10**6, end='') or [0] * 10**7`,
  },
];
