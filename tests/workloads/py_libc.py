"""Three threads whose work is in the C library: copies of bytes, memory for dictionaries, system calls."""
import os
import sys
import threading
import time

END = time.monotonic() + float(sys.argv[1])
BLOCK = bytes(range(256)) * 4096


def copy_bytes():
    buffer = bytearray(BLOCK)
    while time.monotonic() < END:
        half = len(buffer) // 2
        for _ in range(20):
            buffer[:half] = BLOCK[half:]
            joined = bytes(buffer) + BLOCK
            buffer[1:] = buffer[:-1]
        assert len(joined) == 2 * len(BLOCK)


def grow_dicts():
    while time.monotonic() < END:
        for _ in range(20):
            grown = {}
            for key in range(3000):
                grown[key] = [key] * (key % 100 + 70)
        assert len(grown) == 3000


def call_kernel():
    zeros, nothing = os.open("/dev/zero", os.O_RDONLY), os.open("/dev/null", os.O_WRONLY)
    while time.monotonic() < END:
        for _ in range(200):
            os.write(nothing, os.read(zeros, 4096))
            os.getpid()


threads = [threading.Thread(target=job, name=job.__name__) for job in (copy_bytes, grow_dicts, call_kernel)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
