"""Two greenlets that take turns, 70 and 30 of 100 of the work, and each begins deeper in its caller's stack than it goes on
from. Usage: py_greenlets.py SECONDS"""
import sys
import time

import greenlet

END = time.time() + float(sys.argv[1])


def burn(units):
    total = 0
    for i in range(units * 1000):
        total += i * i
    return total


def heavy():
    while time.time() < END:
        burn(7)
        main.switch()


def light():
    while time.time() < END:
        burn(3)
        main.switch()


def begin(target, depth):
    """Its first switch comes from deep in the stack, which is used for other things later."""
    if depth:
        return begin(target, depth - 1)
    return target.switch()


main = greenlet.getcurrent()
greenlets = [greenlet.greenlet(heavy), greenlet.greenlet(light)]
for one in greenlets:
    list(map(lambda target: begin(target, 20), [one]))
while not any(one.dead for one in greenlets):
    for one in greenlets:
        sorted([one], key=lambda target: target.switch() or 0)
