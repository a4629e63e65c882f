"""Burns CPU in recursion, a generator and dictionaries. Usage: load_python.py SECONDS."""
import sys
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def words():
    for i in range(2000):
        yield str(i * 7919 % 1000)


def count_words():
    counts = {}
    for word in words():
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: item[1])


def main():
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        fib(15)
        count_words()


main()
