"""Drives `jupyter console` in a pseudo terminal as a person does. Prints a JSON object a step; exits 1 at the first failure.

Usage: python console.py KERNEL_NAME [again]
"""

import json
import re
import sys

import pexpect

KERNEL = sys.argv[1]
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|[\x00\x07\x0e\x0f]")
# On a busy machine the console's own second for an answer is too short.
patience = "--ZMQTerminalInteractiveShell.kernel_is_complete_timeout=20"
args = ["-m", "jupyter_console", "--kernel", KERNEL, patience]
child = pexpect.spawn(sys.executable, args, encoding="utf-8", timeout=60, dimensions=(50, 160))
screen = ""


def until(pattern, step):
    """Reads until the plain text since the last step holds the pattern."""
    global screen
    while True:
        found = re.search(pattern, TERMINAL_CODES.sub("", screen))
        if found:
            print(json.dumps({"step": step}), flush=True)
            screen = ""
            return
        try:
            piece = child.read_nonblocking(65536, timeout=30)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            print(json.dumps({"step": step, "problem": type(error).__name__, "screen": screen[-2000:]}), flush=True)
            child.close(force=True)
            sys.exit(1)
        screen += piece
        # The terminal is asked where its cursor is.
        if "\x1b[6n" in piece:
            child.send("\x1b[1;1R")


until(r"In \[1\]:", "prompt")
if "again" in sys.argv:
    child.send("\x1b[A")
    until(r"'from history'", "history of an earlier kernel with the arrow key")
    child.send("\x03")
else:
    child.send("const answer: number = 6 * 7\r")
    until(r"In \[2\]:", "a declaration")
    child.send("answer\r")
    until(r"Out\[2\]: 42[\s\S]*In \[3\]:", "a result")
    child.send("function twice(x: number) {\r")
    until(r"\.\.\.:", "an incomplete line is continued")
    child.send("return 2 * x\r")
    until(r"\.\.\.:", "and indented")
    child.send("}\r")
    # An indented brace may ask for one more empty line.
    child.send("\r")
    until(r"In \[4\]:", "a function")
    child.send("console.log('printed:', twice(4))\r")
    until(r"printed: 8[\s\S]*In \[5\]:", "output")
    child.send("Math.hyp\t")
    until(r"hypot", "completion")
    child.send("(3, 4)\r")
    until(r"Out\[5\]: 5[\s\S]*In \[6\]:", "what was completed runs")
    child.send("console.log('busy' + 1); while (true) {}\r")
    until(r"busy1", "a busy cell")
    child.send("\x03")
    until(r"KernelInterrupt[\s\S]*In \[7\]:", "Ctrl-C")
    child.send("throw new RangeError('on purpose')\r")
    until(r"RangeError: on purpose[\s\S]*In \[8\]:", "an error")
    child.send("await input('name? ')\r")
    until(r"name\? ", "a question")
    child.send("Ada\r")
    until(r"Out\[8\]: 'Ada'[\s\S]*In \[9\]:", "its answer")
    child.send("'from history'\r")
    until(r"Out\[9\]: 'from history'[\s\S]*In \[10\]:", "a line to remember")
child.send("\x04")
until(r"[Dd]o you (really )?want to exit|Shutting down|Exiting", "Ctrl-D")
child.send("y\r")
child.expect(pexpect.EOF)
print(json.dumps({"step": "exit"}), flush=True)
