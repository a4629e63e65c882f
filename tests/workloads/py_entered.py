"""Enters the interpreter from C again and again, at different depths: sort keys, comparisons, attributes, map."""
import sys
import time


def third(x):
    return x


def second(x):
    return third(x)


def first(x):
    return second(x)


def negative(x):
    return -x


class Item:
    def __init__(self, x):
        self.x = x

    def __lt__(self, other):
        return self.x < other.x

    def __getattr__(self, name):
        return 1


END = time.time() + float(sys.argv[1])
ITEMS = [Item(i) for i in range(30)]
while time.time() < END:
    sorted(range(50), key=first)
    sorted(range(50), key=negative)
    max(ITEMS)
    [item.missing for item in ITEMS]
    list(map(negative, range(30)))
