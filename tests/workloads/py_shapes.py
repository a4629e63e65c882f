"""Frames of all kinds: generator, lambda, comprehension, nested and static function, constructor, recursion, await."""
import asyncio
import sys
import time


def burn(count=6000):
    x = 1
    for _ in range(count):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def generator():
    for _ in range(2):
        yield burn()


def consumer():
    return sum(generator())


by_lambda = lambda: burn()  # noqa: E731


def by_comprehension():
    return {burn() for _ in range(2)}


class Outer:
    class Inner:
        @staticmethod
        def static_method():
            return burn()

        @classmethod
        def class_method(cls):
            return cls.static_method()


def enclosing():
    def enclosed():
        return burn()

    return enclosed()


class Made:
    def __init__(self):
        self.value = burn()


def making():
    return [Made() for _ in range(2)]


def recursive(depth):
    return burn(2000) if depth == 0 else recursive(depth - 1) + 1


async def awaited():
    return burn()


async def awaiting():
    return await awaited()


END = time.monotonic() + float(sys.argv[1])
while time.monotonic() < END:
    consumer()
    by_lambda()
    by_comprehension()
    Outer.Inner.class_method()
    enclosing()
    making()
    recursive(200)
    asyncio.run(awaiting())
