/** Snippets that run well, and their exact standard output on every engine. */
export const okSnippets: readonly (readonly [code: string, stdout: string])[] = [
  ["print(123*456)", "56088\n"],
  ["print(2**200)", "1606938044258990275541962092341162602522202993782792835301376\n"],
  ["print(pow(7, 13, 19), pow(3, -1, 11))", "7 4\n"],
  ["print(0.1 + 0.2, 1e16, 1/3, -0.0, float('inf'))", "0.30000000000000004 1e+16 0.3333333333333333 -0.0 inf\n"],
  ["print(round(2.5), round(3.14159, 2), 7 // -2, -7 % 3)", "2 3.14 -4 2\n"],
  ["import math\nprint(math.gcd(84, 36), math.comb(12, 5), math.factorial(20))", "12 792 2432902008176640000\n"],
  [
    "import math\nprint(math.pi, math.sqrt(2), math.isqrt(10**20))",
    "3.141592653589793 1.4142135623730951 10000000000\n",
  ],
  ["from fractions import Fraction\nprint(Fraction(1, 3) + Fraction(1, 6))", "1/2\n"],
  [
    "from decimal import Decimal, getcontext\ngetcontext().prec = 30\nprint(Decimal(2).sqrt())",
    "1.41421356237309504880168872421\n",
  ],
  ["import itertools\nprint(list(itertools.combinations('abc', 2)))", "[('a', 'b'), ('a', 'c'), ('b', 'c')]\n"],
  ["import itertools as it\nprint(sum(1 for _ in it.permutations(range(6))))", "720\n"],
  [
    "from functools import lru_cache\n@lru_cache\ndef f(n): return n if n < 2 else f(n-1) + f(n-2)\nprint(f(90))",
    "2880067194370816120\n",
  ],
  ["from collections import Counter\nprint(Counter('mississippi').most_common(2))", "[('i', 4), ('s', 4)]\n"],
  ["import statistics\nprint(statistics.mean([1, 2, 3, 4]), statistics.median([5, 1, 3]))", "2.5 3\n"],
  ["import re\nprint(re.findall(r'\\d+', 'a1b22c333'))", "['1', '22', '333']\n"],
  ["import json\nprint(json.dumps({'a': [1, 2.5, None, 'é']}))", '{"a": [1, 2.5, null, "\\u00e9"]}\n'],
  ["for i in range(3):\n    print(i, i**2, sep=':')", "0:0\n1:1\n2:4\n"],
  ["print('a', end='')\nprint('b')", "ab\n"],
  ["print('é ∑ 😀 中文')", "é ∑ 😀 中文\n"],
  ["print('\\ud800')", "\\ud800\n"],
  ["print('a\\r\\nb\\tc\\0d')", "a\r\nb\tc\0d\n"],
  ["import sys\nsys.stdout.buffer.write(b'\\xff\\xfe ok')\nprint()", "\ufffd\ufffd ok\n"],
  ["import sys\nprint('out'); print('err', file=sys.stderr)", "out\n"],
  ["import random\nprint(random.randint(1, 10**6), random.random() < 1)", "885441 True\n"],
  ["import datetime\nprint(datetime.date(2024, 2, 29).strftime('%A'))", "Thursday\n"],
  ["from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint(P(3))", "P(x=3)\n"],
  ["def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(800))", "800\n"],
  [
    "import sys\nsys.setrecursionlimit(6000)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(5000))",
    "5000\n",
  ],
  ["print(sorted({'b': 1, 'a': 2}.items(), key=lambda p: p[1]))", "[('b', 1), ('a', 2)]\n"],
  [
    "print([x for x in range(50) if all(x % d for d in range(2, x)) and x > 1])",
    "[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]\n",
  ],
  ["print(int('ff', 16), bin(10), hex(255), 0b101, 1_000_000)", "255 0b1010 0xff 5 1000000\n"],
  ["print(f'{3.14159:.3f} {42:05d} {1234567:,} {0.5:%}')", "3.142 00042 1,234,567 50.000000%\n"],
  ["print(__name__)", "__main__\n"],
  ["import sys\nprint(sys.stdin.read() == '', sys.argv)", "True ['']\n"],
  ["try:\n    1/0\nexcept ZeroDivisionError:\n    print('caught')", "caught\n"],
  [
    "import tempfile, os\nwith tempfile.NamedTemporaryFile('w+') as f:\n    f.write('x' * 10); f.flush()\n    print(os.path.getsize(f.name))",
    "10\n",
  ],
  ["with open('notes.txt', 'w') as f: f.write('kept')\nprint(open('notes.txt').read())", "kept\n"],
  ["import copy, heapq, bisect\nh = [5, 2, 8]; heapq.heapify(h)\nprint(h[0], bisect.bisect([1, 3, 5], 4))", "2 2\n"],
  ["import cmath\nprint(cmath.sqrt(-4), (1+2j)*(3-1j))", "2j (5+5j)\n"],
  ["import hashlib\nprint(hashlib.sha256(b'abc').hexdigest()[:16])", "ba7816bf8f01cfea\n"],
  ["import pickle\nclass A: pass\na = A(); a.x = 3\nprint(pickle.loads(pickle.dumps(a)).x)", "3\n"],
  [
    "import asyncio\nasync def f(n):\n    await asyncio.sleep(n / 100)\n    return n\nasync def main():\n    return await asyncio.gather(f(2), f(1), asyncio.wait_for(f(3), 1))\nprint(asyncio.run(main()))",
    "[2, 1, 3]\n",
  ],
  ["import os\nprint(os.getuid() >= 0)", "True\n"],
  ["import sys\nsys.exit()", ""],
  ["print(1)\nimport sys\nsys.exit(0)", "1\n"],
  ["import string\nprint(string.ascii_lowercase[:5], string.Template('$a!').substitute(a=1))", "abcde 1!\n"],
  ["import textwrap\nprint(textwrap.fill('one two three four', 9))", "one two\nthree\nfour\n"],
  [
    "import datetime\nd = datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.timezone.utc)\nprint(d + datetime.timedelta(days=30), d.isoformat())",
    "2024-03-01 12:00:00+00:00 2024-01-31T12:00:00+00:00\n",
  ],
  ["import time\nt = time.gmtime(0)\nprint(time.strftime('%Y-%m-%d', t), time.time() > 0)", "1970-01-01 True\n"],
  ["import calendar\nprint(calendar.monthrange(2024, 2)[1], calendar.isleap(1900))", "29 False\n"],
  [
    "from collections import defaultdict, deque, OrderedDict, namedtuple\nd = defaultdict(list); d['a'].append(1)\nq = deque([1, 2, 3], maxlen=2)\nP = namedtuple('P', 'x y')\nprint(dict(d), list(q), P(1, 2), list(OrderedDict(b=1, a=2)))",
    "{'a': [1]} [2, 3] P(x=1, y=2) ['b', 'a']\n",
  ],
  [
    "from enum import Enum\nclass Colour(Enum):\n    RED = 1\nprint(Colour.RED.name, Colour(1) is Colour.RED)",
    "RED True\n",
  ],
  [
    "import operator, functools\nprint(functools.reduce(operator.mul, range(1, 8)), operator.itemgetter(1)([5, 6]))",
    "5040 6\n",
  ],
  [
    "from typing import List, Optional\ndef f(x: Optional[int] = None) -> List[int]:\n    return [x or 0]\nprint(f(), f(3))",
    "[0] [3]\n",
  ],
  ["import io\nb = io.StringIO()\nprint('x', 1, file=b)\nprint(repr(b.getvalue()))", "'x 1\\n'\n"],
  [
    "import contextlib, io\nout = io.StringIO()\nwith contextlib.redirect_stdout(out): print('inner')\nprint(out.getvalue().upper(), end='')",
    "INNER\n",
  ],
  ["import csv, io\nrows = list(csv.DictReader(io.StringIO('a,b\\n1,2\\n')))\nprint(rows[0]['b'])", "2\n"],
  [
    "import base64, zlib, struct\nprint(base64.b64encode(b'abc'), zlib.crc32(b'abc'), struct.unpack('<I', b'\\x01\\0\\0\\0'))",
    "b'YWJj' 891568578 (1,)\n",
  ],
  ["import gzip\nprint(gzip.decompress(gzip.compress(b'x' * 1000)) == b'x' * 1000)", "True\n"],
  ["import uuid\nprint(uuid.UUID(int=5), len(str(uuid.uuid4())))", "00000000-0000-0000-0000-000000000005 36\n"],
  ["import secrets, os\nprint(len(secrets.token_bytes(8)), len(os.urandom(4)))", "8 4\n"],
  [
    "import html, urllib.parse\nprint(html.escape('<a>'), urllib.parse.quote('a b/c'), urllib.parse.urlparse('http://x/y?z=1').query)",
    "&lt;a&gt; a%20b/c z=1\n",
  ],
  ["import difflib\nprint(difflib.get_close_matches('appel', ['apple', 'peach']))", "['apple']\n"],
  [
    "import unicodedata\nprint(unicodedata.name('é'), unicodedata.normalize('NFD', 'é') == 'e\\u0301')",
    "LATIN SMALL LETTER E WITH ACUTE True\n",
  ],
  ["import array, sys\na = array.array('d', [1, 2.5])\nprint(a[1], a.itemsize, sys.byteorder)", "2.5 8 little\n"],
  ["import inspect\ndef f(a, b=2): pass\nprint(inspect.signature(f))", "(a, b=2)\n"],
  ["import ast\nprint(ast.literal_eval('[1, (2, 3), {\"a\": None}]'))", "[1, (2, 3), {'a': None}]\n"],
  [
    "import logging\nlogging.basicConfig(format='%(levelname)s %(message)s')\nlogging.warning('to standard error')\nprint('done')",
    "done\n",
  ],
  [
    "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 1)\nr = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nprint(r.testsRun, r.wasSuccessful())",
    "1 True\n",
  ],
  [
    "import doctest\ndef f(x):\n    '''\n    >>> f(2)\n    4\n    '''\n    return x * x\nprint(*doctest.testmod()[:2])",
    "0 1\n",
  ],
  [
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t (x)')\nc.executemany('insert into t values (?)', [(1,), (2,)])\nprint(c.execute('select sum(x) from t').fetchone())",
    "(3,)\n",
  ],
  ["import xml.etree.ElementTree as E\nprint(E.fromstring('<a><b x=\"1\"/></a>').find('b').get('x'))", "1\n"],
  [
    "import pathlib, shutil, tempfile\nd = pathlib.Path(tempfile.mkdtemp())\n(d / 'a' / 'b').mkdir(parents=True)\n(d / 'a' / 'b' / 'c.txt').write_text('é')\nprint(sorted(p.name for p in d.rglob('*')), (d / 'a/b/c.txt').stat().st_size)\nshutil.rmtree(d)\nprint(d.exists())",
    "['a', 'b', 'c.txt'] 2\nFalse\n",
  ],
  [
    "import tempfile, os\nwith tempfile.TemporaryDirectory() as d:\n    open(os.path.join(d, 'x'), 'wb').write(bytes(10**6))\n    print(os.path.getsize(os.path.join(d, 'x')), os.listdir(d))\nprint(os.path.exists(d))",
    "1000000 ['x']\nFalse\n",
  ],
  [
    "import os\nos.symlink('/tmp/a', '/tmp/b')\nopen('/tmp/a', 'w').write('linked')\nprint(open('/tmp/b').read(), os.path.islink('/tmp/b'))",
    "linked True\n",
  ],
  ["import weakref, gc\nclass A: pass\na = A(); r = weakref.ref(a); del a; gc.collect()\nprint(r())", "None\n"],
  [
    "import numbers, decimal, fractions\nprint(isinstance(fractions.Fraction(1, 2), numbers.Rational), decimal.Decimal('0.1') + decimal.Decimal('0.2'))",
    "True 0.3\n",
  ],
  [
    "import math\nprint(math.prod(range(1, 6)), math.dist((0, 0), (3, 4)), math.log2(1024), math.hypot(5, 12), math.lcm(4, 6))",
    "120 5.0 10.0 13.0 12\n",
  ],
  ["import statistics\nprint(statistics.pstdev([2, 4, 4, 4, 5, 5, 7, 9]), statistics.mode([1, 1, 2]))", "2.0 1\n"],
  [
    "import random\nr = random.Random(42)\nprint(r.randint(1, 100), r.choice('abc'), r.sample(range(10), 3))",
    "82 a [0, 4, 3]\n",
  ],
  [
    "import itertools\nprint(list(itertools.accumulate([1, 2, 3])), list(itertools.islice(itertools.cycle('ab'), 3)), len(list(itertools.product('ab', repeat=3))))",
    "[1, 3, 6] ['a', 'b', 'a'] 8\n",
  ],
  [
    "import re\nprint(re.sub(r'(\\w+) (\\w+)', r'\\2 \\1', 'hello world'), re.fullmatch(r'(?P<y>\\d{4})', '2024')['y'])",
    "world hello 2024\n",
  ],
  ["def gen():\n    x = yield 1\n    yield x * 2\ng = gen()\nprint(next(g), g.send(21))", "1 42\n"],
  [
    "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)\n    def __repr__(self): return f'V({self.x})'\nprint(V(1) + V(2), sum([V(1), V(2)], V(0)))",
    "V(3) V(3)\n",
  ],
  ["a, *b, c = range(5)\nprint(a, b, c, [*b, *'xy'], {**{'k': 1}})", "0 [1, 2, 3] 4 [1, 2, 3, 'x', 'y'] {'k': 1}\n"],
  ["if (n := 10) > 5: print(n)", "10\n"],
  [
    "try:\n    try: 1 / 0\n    except ZeroDivisionError as e: raise ValueError('wrapped') from e\nexcept ValueError as e: print(repr(e.__cause__), e)\nfinally: print('finally')",
    "ZeroDivisionError('division by zero') wrapped\nfinally\n",
  ],
  [
    "with open('/tmp/x.txt', 'w+') as f:\n    f.writelines(str(i) + '\\n' for i in range(3))\n    f.seek(0)\n    print([int(l) for l in f])",
    "[0, 1, 2]\n",
  ],
  [
    "print(*sorted({3, 1, 2}), sep=',', end='!\\n')\nprint({'x', 'y'} & {'y'}, frozenset([1]))",
    "1,2,3!\n{'y'} frozenset({1})\n",
  ],
  [
    "import sys\nprint(sys.maxsize > 0, sys.version_info >= (3, 9), sys.float_info.max)",
    "True True 1.7976931348623157e+308\n",
  ],
  [
    "import sys\nsys.setrecursionlimit(20000)\ndef depth(n): return 0 if n == 0 else 1 + depth(n - 1)\nprint(depth(2500))",
    "2500\n",
  ],
  [
    "def ack(m, n):\n    return n + 1 if m == 0 else ack(m - 1, 1) if n == 0 else ack(m - 1, ack(m, n - 1))\nprint(ack(2, 9))",
    "21\n",
  ],
  [
    "def flatten(x):\n    for y in x:\n        if isinstance(y, list): yield from flatten(y)\n        else: yield y\nd = [1]\nfor _ in range(200): d = [d, 2]\nprint(sum(flatten(d)))",
    "401\n",
  ],
  [
    "sieve = bytearray([1]) * 200000\nfor i in range(2, 448):\n    if sieve[i]: sieve[i*i::i] = bytes(len(range(i*i, 200000, i)))\nprint(sum(sieve[2:]))",
    "17984\n",
  ],
  ["print(len(str(3 ** 5000)), str(2 ** 100)[-5:])", "2386 05376\n"],
  [
    "import asyncio\nasync def produce(q):\n    for i in range(3):\n        await q.put(i)\n    await q.put(None)\nasync def main():\n    q = asyncio.Queue()\n    t = asyncio.create_task(produce(q))\n    got = []\n    while (x := await q.get()) is not None: got.append(x)\n    await t\n    return got\nprint(asyncio.run(main()))",
    "[0, 1, 2]\n",
  ],
  [
    "import asyncio\nasync def slow(): await asyncio.sleep(60)\nasync def main():\n    try: await asyncio.wait_for(slow(), 0.01)\n    except asyncio.TimeoutError: return 'timed out'\nprint(asyncio.run(main()))",
    "timed out\n",
  ],
  [
    "import asyncio\nasync def ticks():\n    for i in range(3):\n        yield i\n        await asyncio.sleep(0)\nasync def main(): return [i async for i in ticks()]\nprint(asyncio.run(main()))",
    "[0, 1, 2]\n",
  ],
];

/** Snippets that need threads, signals or pipes: the jail has them, Pyodide has not. */
export const jailSnippets: readonly (readonly [code: string, stdout: string])[] = [
  [
    "import threading\ntotal = 0\nlock = threading.Lock()\ndef add():\n    global total\n    for _ in range(1000):\n        with lock: total += 1\nts = [threading.Thread(target=add) for _ in range(8)]\n[t.start() for t in ts]; [t.join() for t in ts]\nprint(total)",
    "8000\n",
  ],
  [
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: print(list(pool.map(lambda x: x * x, range(5))))",
    "[0, 1, 4, 9, 16]\n",
  ],
  [
    "import queue, threading\nq = queue.Queue()\nthreading.Thread(target=lambda: [q.put(i) for i in range(3)]).start()\nprint([q.get(timeout=5) for _ in range(3)])",
    "[0, 1, 2]\n",
  ],
  [
    "import threading\ne = threading.Event()\nt = threading.Timer(0.01, e.set); t.start()\nprint(e.wait(5), threading.active_count() >= 1)",
    "True True\n",
  ],
  [
    "import asyncio, time\nasync def main():\n    return await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(4)))\nprint(asyncio.run(main()))",
    "[1, 2, 4, 8]\n",
  ],
  ["import socket\na, b = socket.socketpair()\na.sendall(b'hi'); print(b.recv(2))", "b'hi'\n"],
  ["import os\nr, w = os.pipe()\nos.write(w, b'abc')\nprint(os.read(r, 3))", "b'abc'\n"],
  [
    "import signal\ndef late(*_): raise TimeoutError('own limit')\nsignal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntry:\n    while True: sum(range(100))\nexcept TimeoutError as e: print(e)",
    "own limit\n",
  ],
];

/** Snippets that need packages beyond the standard library, and the package; only where it is installed. */
export const packageSnippets: readonly (readonly [needs: "sympy" | "numpy", code: string, stdout: string])[] = [
  [
    "sympy",
    "from sympy import *\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6, x), factor(x**2 - 1))",
    "[2, 3] (x - 1)*(x + 1)\n",
  ],
  [
    "sympy",
    "import sympy as sp\nx = sp.Symbol('x')\nprint(sp.integrate(sp.sin(x)**2, (x, 0, sp.pi)), sp.diff(x**3, x))",
    "pi/2 3*x**2\n",
  ],
  [
    "sympy",
    "from sympy import isprime, factorint, totient, binomial\nprint(isprime(10**9 + 7), factorint(360), totient(36), binomial(10, 3))",
    "True {2: 3, 3: 2, 5: 1} 12 120\n",
  ],
  [
    "sympy",
    "from sympy import Matrix, Rational, sqrt, nsimplify, limit, oo, Symbol\nn = Symbol('n')\nprint(Matrix([[1, 2], [3, 4]]).det(), sqrt(8), Rational(1, 3) + 1, limit((1 + 1/n)**n, n, oo))",
    "-2 2*sqrt(2) 4/3 E\n",
  ],
  [
    "sympy",
    "from sympy import symbols, Eq, solve, simplify\nx, y = symbols('x y')\nprint(solve([Eq(x + y, 5), Eq(x - y, 1)], [x, y]), simplify((x**2 + 2*x + 1)/(x + 1)))",
    "{x: 3, y: 2} x + 1\n",
  ],
  [
    "numpy",
    "import numpy as np\na = np.arange(6).reshape(2, 3)\nprint(a.sum(axis=0), a @ a.T, a.dtype.kind)",
    "[3 5 7] [[ 5 14]\n [14 50]] i\n",
  ],
  [
    "numpy",
    "import numpy as np\nprint(np.linalg.solve([[2, 1], [1, 3]], [3, 5]), np.roots([1, -3, 2]))",
    "[0.8 1.4] [2. 1.]\n",
  ],
  [
    "numpy",
    "import numpy as np\nprint(np.random.default_rng(0).integers(0, 100, 3), np.mean([1, 2, 3, 4]))",
    "[85 63 51] 2.5\n",
  ],
];
