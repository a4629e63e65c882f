"""Three named threads that share the lock, each in a function of its own."""
import sys
import threading
import time

END = time.monotonic() + float(sys.argv[1])


def work():
    x = 1
    for _ in range(20000):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def first_job():
    while time.monotonic() < END:
        work()


def second_job():
    while time.monotonic() < END:
        work()


def third_job():
    while time.monotonic() < END:
        work()


threads = [threading.Thread(target=job, name=job.__name__) for job in (first_job, second_job, third_job)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
