"""Samples itself: a thread looks at the main one's frames (sys._current_frames) every few milliseconds and keeps the
counts in the file "truth", as lines "NAME COUNT TOTAL". Usage: py_truth.py SECONDS"""
import os
import sys
import threading
import time

NAMES = ["alpha", "beta", "gamma", "delta", "spin"]
counts = dict.fromkeys(NAMES, 0)
main_thread = threading.get_ident()
END = time.monotonic() + float(sys.argv[1])


def spin(count):
    x = 1
    for _ in range(count):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def alpha():
    return spin(4000)


def beta():
    return [spin(1000) for _ in range(2)]


def gamma():
    total = 0
    for i in range(2500):
        total += i * i
    return total


def delta(depth=20):
    return spin(100) if depth == 0 else delta(depth - 1) + 1


def watch():
    total = 0
    while time.monotonic() < END:
        time.sleep(0.004)
        frame, seen = sys._current_frames()[main_thread], set()
        while frame:
            seen.add(frame.f_code.co_name)
            frame = frame.f_back
        total += 1
        for name in NAMES:
            counts[name] += name in seen
        if total % 50 == 0:  # ended with the case most often, so told again and again
            with open("truth.new", "w") as file:
                file.write("".join("%s %d %d\n" % (name, counts[name], total) for name in NAMES))
            os.rename("truth.new", "truth")


watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
while time.monotonic() < END:
    alpha()
    beta()
    gamma()
    delta()
