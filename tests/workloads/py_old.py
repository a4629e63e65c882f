"""Frames of every make as a Python before 3.11 (2.7 too) can have them; callbacks from C; exceptions and tracing."""
import functools
import sys
import time


def burn(count=3000):
    x = 1
    for _ in range(count):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


class Classic:
    def method(self):
        return burn()


class Base(object):
    def inherited(self):
        return burn()


class Burner(Base):
    def outer(self):
        return sorted([5, 3, 8, 1], key=self.key)

    def key(self, x):
        burn()
        return x

    @classmethod
    def class_method(cls):
        return burn()

    @property
    def attribute(self):
        return burn()


def generator():
    for _ in range(2):
        yield burn()


def consumer():
    return sum(generator())


def compare(a, b):
    burn()
    return (a > b) - (a < b)


def sorter():
    return sorted([5, 3, 8, 1], key=functools.cmp_to_key(compare))


def recursive(depth):
    return burn(1000) if depth == 0 else recursive(depth - 1) + 1


def traced():
    sys.settrace(lambda *_: None)
    try:
        return burn()
    finally:
        sys.settrace(None)


by_lambda = lambda: burn()  # noqa: E731
END = time.time() + float(sys.argv[1])
burner = Burner()
while time.time() < END:
    burner.outer()
    burner.inherited()
    burner.class_method()
    burner.attribute
    Classic().method()
    consumer()
    sorter()
    recursive(200)
    by_lambda()
    traced()
