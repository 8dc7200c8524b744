"""Runs one snippet as CIR's executor does: fresh namespace, standard output only, last line of the traceback.

Both engines load this file, so that a snippet meets the same Python surroundings on each. It must work on every
CPython from 3.9 on.
"""
import builtins
import io
import json
import linecache
import os
import random
import sys
import traceback
import types

SNIPPET = "<snippet>"
MESSAGE_LIMIT = 4096


def _refuse(*_args, **_kwargs):
    # The paper's executor refuses input() and os.system() with a bare RuntimeError.
    raise RuntimeError


def _stream(descriptor):
    raw = io.FileIO(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw, 8192), encoding="utf-8", errors="backslashreplace", newline="\n")


def prepare(seed):
    """Standard streams, refused functions and the seed, as every snippet finds them."""
    sys.stdin = io.StringIO("")
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    sys.argv = [""]
    builtins.input = _refuse
    os.system = _refuse
    random.seed(seed)


def _last_line(kind, value):
    try:
        lines = traceback.format_exception_only(kind, value)
        line = "".join(lines).strip().split("\n")[-1]
    except BaseException:
        line = kind.__name__
    return line[:MESSAGE_LIMIT]


def _describe(kind, value, trace):
    line = value.lineno if isinstance(value, SyntaxError) else None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == SNIPPET:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = str(value)[:MESSAGE_LIMIT]
    except BaseException:
        message = ""
    return {
        "name": kind.__name__[:MESSAGE_LIMIT],
        "message": message,
        "line": line if isinstance(line, int) else None,
        "lastLine": _last_line(kind, value),
        "memory": issubclass(kind, MemoryError),
    }


def execute(code, seed):
    """Runs a snippet to its end and returns {"exitCode", "error"} as JSON text; never raises an ordinary exception."""
    prepare(seed)
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    linecache.cache[SNIPPET] = (len(code), None, code.splitlines(True), SNIPPET)
    exit_code = 0
    error = None
    try:
        if "\0" in code:  # a ValueError before Python 3.12
            raise SyntaxError("null byte")
        exec(compile(code, SNIPPET, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as stop:
        if isinstance(stop.code, int) or stop.code is None:
            exit_code = (stop.code or 0) & 255
        else:
            exit_code = 1
        if exit_code:
            error = _describe(SystemExit, stop, stop.__traceback__)
    except BaseException as problem:
        exit_code = 1
        kind = type(problem)
        trace = problem.__traceback__.tb_next if problem.__traceback__ else None
        error = _describe(kind, problem, trace)
        try:
            traceback.print_exception(kind, problem, trace)
        except BaseException:
            pass
        problem = trace = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    return json.dumps({"exitCode": exit_code, "error": error})
