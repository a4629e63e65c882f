"""<module> → Burner.outer → c_call_back (C) → callback → inner, and a C sort that calls a Python comparison."""
import functools
import os
import sys
import time

sys.path.insert(0, os.environ.get("GP_WORKLOADS", os.path.dirname(os.path.abspath(__file__))))
import py_crossing


def inner():
    x = 1
    for _ in range(20000):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def callback():
    return inner() + 1


class Burner:
    def outer(self):
        return py_crossing.call_back(callback)


def compare(a, b):
    inner()
    return (a > b) - (a < b)


def sorter():
    return sorted([5, 3, 8, 1], key=functools.cmp_to_key(compare))


END = time.monotonic() + float(sys.argv[1])
burner = Burner()
while time.monotonic() < END:
    burner.outer()
    sorter()
