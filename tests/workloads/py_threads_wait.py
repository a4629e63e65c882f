"""Threads that wait in a lock, a sleep and a read, and one that burns CPU. Usage: py_threads_wait.py SECONDS"""
import os
import sys
import threading
import time

lock = threading.Lock()
lock.acquire()
reading, writing = os.pipe()


def in_lock():
    time.sleep(0)

    lock.acquire()


def in_sleep():
    time.sleep(1000)


def in_read():
    os.read(reading, 1)


def burn():
    x = 1
    while True:
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF


for function in in_lock, in_sleep, in_read, burn:
    threading.Thread(target=function, name=function.__name__, daemon=True).start()
time.sleep(float(sys.argv[1]))
