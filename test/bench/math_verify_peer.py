"""math-verify as a peer of the grader bench: reads a JSON list of [gold, answer] on standard input, judges each pair as
its users do (parse, verify), and prints {"ms": [...], "equal": [...]}, milliseconds of each pair. Its own time limits
stay as they are.
"""
import json
import logging
import sys
import time

from math_verify import parse, verify

logging.disable(logging.CRITICAL)


def boxed(text):
    return "$\\boxed{" + text + "}$"


def judge(gold, answer):
    begin = time.perf_counter()
    try:
        equal = verify(parse(boxed(gold)), parse(boxed(answer)))
    except Exception:
        equal = False
    return (time.perf_counter() - begin) * 1000, bool(equal)


judge("\\frac{1}{2}", "0.5")  # what is imported at first use
judged = [judge(gold, answer) for gold, answer in json.load(sys.stdin)]
print(json.dumps({"ms": [ms for ms, _ in judged], "equal": [equal for _, equal in judged]}))
