"""Puts a Pyodide process back as it was, between snippets that share it ("pooled" and "rollout" isolation).

What a snippet can reach and change is more than this restores (the attributes of classes, for example): isolation
"snippet" is the one that trusts nothing. A process whose files were touched is not restored but replaced.
"""
import builtins
import gc
import io
import linecache
import os
import sys
import types

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
    gc.enable()
    gc.collect()
