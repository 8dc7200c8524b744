# Grades pairs with math-verify: a JSON list of [gold, answer] in, a JSON list of booleans out.
import json
import sys

from math_verify import parse, verify


def read(text):
    return parse("$" + text.strip("$") + "$")


def grade(gold, answer):
    try:
        return bool(verify(read(gold), read(answer)))
    except Exception:
        return False


print(json.dumps([grade(*pair) for pair in json.load(sys.stdin)]))
