"""Modules that are imported before the first snippet, on both engines: free for a snippet."""
PRELOADED = (
    "array bisect calendar cmath collections copy dataclasses datetime decimal enum fractions functools hashlib heapq "
    "itertools json math numbers operator os pprint random re statistics string sys textwrap time traceback types typing"
).split()
for _name in PRELOADED:
    __import__(_name)
