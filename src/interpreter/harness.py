"""Runs one snippet as CIR's executor does: fresh namespace, standard output, the traceback as data.

Both engines load this file, so that a snippet meets the same Python surroundings on each. It must work on every
CPython from 3.9 on.
"""
import __future__
import ast
import base64
import builtins
import io
import json
import linecache
import os
import random
import sys
import traceback
import types

MESSAGE_LIMIT = 4096
VALUE_LIMIT = 1 << 16
IMAGE_LIMIT = 16
CHAIN_LIMIT = 8
CAUSED = "The above exception was the direct cause of the following exception:"
DURING = "During handling of the above exception, another exception occurred:"

# Sessions that are open here: name to [module, number of cells that ran].
_sessions = {}
_features = tuple(__future__.all_feature_names)


def _refuse(*_args, **_kwargs):
    # The paper's executor refuses input() and os.system() with a bare RuntimeError.
    raise RuntimeError


_input = builtins.input


def _offer_stdin(text):
    if text is None:
        sys.stdin = io.StringIO("")
        builtins.input = _refuse
    else:  # programs written for contests also read sys.stdin.buffer
        sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
        builtins.input = _input


def _stream(descriptor):
    raw = io.FileIO(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw, 8192), encoding="utf-8", errors="backslashreplace", newline="\n")


def _seed(seed):
    random.seed(seed)
    for name in ("numpy.random", "sympy.core.random"):
        if name in sys.modules:
            sys.modules[name].seed(seed)


def prepare(seed, clock):
    """Standard streams, refused functions, the seed and the clock, as every snippet finds them."""
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    sys.argv = [""]
    os.system = _refuse
    _seed(seed)
    if clock is not None:
        set_clock(clock)


def _name_of(kind):
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", kind.__name__)
    return name if module in ("builtins", "__main__") or not isinstance(module, str) else module + "." + name


def _last_line(kind, value):
    try:
        lines = traceback.format_exception_only(kind, value)
        line = "".join(lines).strip().split("\n")[-1]
    except BaseException:
        line = kind.__name__
    return line[:MESSAGE_LIMIT]


def _own(frame, files):
    return frame.f_code.co_filename in files


def _frame_lines(name, line, function, count_of_same):
    if count_of_same == 3:
        return ["  [Previous line repeated more times]"]
    if count_of_same > 3:
        return []
    found = ['  File "%s", line %d%s' % (name, line, ", in " + function if function else "")]
    source = linecache.getline(name, line).strip()
    return found + ["    " + source[:MESSAGE_LIMIT]] if source else found


def _one_traceback(value, files):
    lines = []
    before = None
    same = 0
    trace = value.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        here = (code.co_filename, trace.tb_lineno, code.co_name)
        same = same + 1 if here == before else 0
        before = here
        if _own(trace.tb_frame, files) and trace.tb_lineno is not None:
            lines += _frame_lines(*here, same)
        trace = trace.tb_next
    if lines:
        lines.insert(0, "Traceback (most recent call last):")
    if isinstance(value, SyntaxError) and value.filename in files and isinstance(value.lineno, int):
        lines += _frame_lines(value.filename, value.lineno, "", 0)
    try:
        message = str(value)
    except BaseException:
        message = ""
    if isinstance(value, SyntaxError):
        message = str(value.msg)
    name = _name_of(type(value))
    lines.append((name + ": " + message if message else name)[:MESSAGE_LIMIT])
    return lines


def _traceback(value, files):
    """The exceptions from the oldest to the newest, with the frames of these files only."""
    blocks = []
    seen = set()
    while value is not None and id(value) not in seen and len(blocks) < CHAIN_LIMIT:
        seen.add(id(value))
        link = None
        block = _one_traceback(value, files)
        if value.__cause__ is not None:
            link, value = CAUSED, value.__cause__
        elif value.__context__ is not None and not value.__suppress_context__:
            link, value = DURING, value.__context__
        else:
            value = None
        blocks.append((["", link, ""] if link and id(value) not in seen else []) + block)
    return "\n".join(line for block in reversed(blocks) for line in block)


def _describe(value, files, current):
    kind = type(value)
    line = value.lineno if isinstance(value, SyntaxError) else None
    trace = value.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == current:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = str(value)[:MESSAGE_LIMIT]
    except BaseException:
        message = ""
    try:
        whole = _traceback(value, files)
    except BaseException:
        whole = ""
    return {
        "name": kind.__name__[:MESSAGE_LIMIT],
        "message": message,
        "line": line if isinstance(line, int) else None,
        "lastLine": _last_line(kind, value),
        "traceback": whole,
        "memory": issubclass(kind, MemoryError),
    }


def _evaluate(code, name, variables, last_expression):
    """Runs the code; returns repr() of its last expression where that is asked for and is not None."""
    if "\0" in code:  # a ValueError before Python 3.12
        raise SyntaxError("null byte")
    if not last_expression:
        exec(compile(code, name, "exec", dont_inherit=True), variables)
        return None
    tree = compile(code, name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    program = compile(tree, name, "exec", dont_inherit=True)
    exec(program, variables)
    if last is None:
        return None
    future = program.co_flags & sum(getattr(__future__, feature).compiler_flag for feature in _features)
    value = eval(compile(ast.Expression(last.value), name, "eval", future, dont_inherit=True), variables)
    return None if value is None else repr(value)[:VALUE_LIMIT]


def _figures():
    """Open matplotlib figures as PNG; closes them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    images = []
    for number in pyplot.get_fignums()[:IMAGE_LIMIT]:
        data = io.BytesIO()
        pyplot.figure(number).savefig(data, format="png", metadata={"Software": None})
        images.append({"mime": "image/png", "data": base64.b64encode(data.getvalue()).decode("ascii")})
    pyplot.close("all")
    return images


def _namespace(session):
    """The module that the code runs in, its file's name and all files of it so far."""
    if session is None:
        module = types.ModuleType("__main__")
        name, files = "<snippet>", ("<snippet>",)
    else:
        entry = _sessions.setdefault(session, [types.ModuleType("__main__"), 0])
        entry[1] += 1
        module = entry[0]
        files = tuple("<cell %d>" % (i + 1) for i in range(entry[1]))
        name = files[-1]
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module.__dict__, name, files


def execute(text):
    """Runs the request (JSON text, see LaneRequest) to its end and returns the report (JSON text, see harnessReport).

    Never raises an ordinary exception. The first cell of a session opens it.
    """
    request = json.loads(text)
    code = request["code"]
    session = request["session"]
    if session is None or session not in _sessions:
        prepare(request["seed"], request["clock"])
    _offer_stdin(request.get("stdin"))
    os.environ.setdefault("MPLBACKEND", "Agg")
    variables, name, files = _namespace(session)
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    exit_code = 0
    error = value = None
    images = []
    try:
        value = _evaluate(code, name, variables, request["lastExpression"])
        if request["plots"]:
            images = _figures()
    except SystemExit as stop:
        if isinstance(stop.code, int) or stop.code is None:
            exit_code = (stop.code or 0) & 255
        else:
            exit_code = 1
        if exit_code:
            error = _describe(stop, files, name)
    except BaseException as problem:
        exit_code = 1
        error = _describe(problem, files, name)
        trace = problem.__traceback__
        while trace is not None and not _own(trace.tb_frame, files):
            trace = trace.tb_next
        try:
            traceback.print_exception(type(problem), problem, trace)
        except BaseException:
            pass
        trace = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    report = {"exitCode": exit_code, "error": error, "value": value}
    if images:
        report["images"] = images
    return json.dumps(report)
