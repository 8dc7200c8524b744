"""Puts a Pyodide process back as it was, between snippets that share it ("pooled" and "rollout" isolation).

What a snippet can reach and change is more than this restores (the attributes of classes, for example): isolation
"snippet" is the one that trusts nothing. A process whose files were touched is not restored but replaced.
"""
import builtins
import asyncio
import gc
import io
import linecache
import os
import platform
import sys
import time
import types


class _Clock:
    """Stands in for a selector: there are no sockets to wait for, only time."""

    def select(self, timeout):
        if timeout is None:
            timeout = 1 << 20
        if timeout > 0:
            time.sleep(timeout)
        return ()

    def close(self):
        pass


class _PlainLoop(asyncio.BaseEventLoop):
    """asyncio.run() for a Python that has no event loop of JavaScript's to lean on."""

    def __init__(self):
        super().__init__()
        self._selector = _Clock()

    def _process_events(self, _events):
        pass

    def _write_to_self(self):
        pass


class _PlainPolicy(asyncio.events._BaseDefaultEventLoopPolicy):
    _loop_factory = _PlainLoop


def _run(main, *, debug=None, loop_factory=None):
    with asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)


def _use_plain_loop():
    # Pyodide puts a loop of its own in these three places each time that it starts.
    asyncio.events._set_running_loop(None)
    asyncio.set_event_loop_policy(_PlainPolicy())
    asyncio.run = _run


python_version = platform.python_version()
_watched = ()
_modules = {}
_environment = {}
_path = []
_cwd = "/"
_recursion_limit = 1000


def remember():
    """Takes the state that every snippet starts from."""
    global _watched, _modules, _environment, _path, _cwd, _recursion_limit
    random.seed(0)
    _modules = dict(sys.modules)
    watched = [sys.modules[name] for name in PRELOADED] + [builtins, io, linecache]
    if "sympy" in sys.modules:
        watched.append(sys.modules["sympy"])
    _watched = tuple((vars(module), dict(vars(module))) for module in watched)
    _environment = dict(os.environ)
    _path = list(sys.path)
    _cwd = os.getcwd()
    _recursion_limit = sys.getrecursionlimit()
    gc.collect()
    gc.freeze()


def restore():
    """Undoes what an ordinary snippet changes. Raises where something cannot be put back."""
    module = sys.modules.get("__main__")
    if isinstance(module, types.ModuleType):
        vars(module).clear()
    for attributes, saved in _watched:
        if attributes != saved:
            attributes.clear()
            attributes.update(saved)
    if sys.modules != _modules:
        sys.modules.clear()
        sys.modules.update(_modules)
    if os.environ != _environment:
        os.environ.clear()
        os.environ.update(_environment)
    sys.path[:] = _path
    sys.settrace(None)
    sys.setprofile(None)
    sys.setrecursionlimit(_recursion_limit)
    sys.set_int_max_str_digits(4300)
    decimal = sys.modules["decimal"]
    decimal.setcontext(decimal.DefaultContext.copy())
    linecache.clearcache()
    if os.getcwd() != _cwd:
        os.chdir(_cwd)
    _use_plain_loop()
    gc.enable()
    gc.collect()
