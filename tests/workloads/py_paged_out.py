"""A function whose names lie in pages that cannot be read: as if they were paged out. Usage: py_paged_out.py SECONDS [BACK]

Its names are so long that each has pages of its own. BACK: after so many seconds they can be read.
"""
import ctypes
import sys
import time

LONG = 33 << 20  # characters of each: more than malloc ever takes from a heap (M_MMAP_THRESHOLD, mallopt(3))
PAGE = 4096
PROT_NONE, PROT_READ_WRITE = 0, 3


def burn(until):
    x = 1
    while time.monotonic() < until:
        for _ in range(20000):
            x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def protect(addresses, protection):
    """The pages of the texts at these addresses: whoever only holds one of them would write to its count of references."""
    libc = ctypes.CDLL(None, use_errno=True)
    for address in addresses:
        if libc.mprotect(ctypes.c_void_p(address & -PAGE), ctypes.c_size_t(LONG), protection) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")


def main():
    end = time.monotonic() + float(sys.argv[1])
    back = time.monotonic() + float(sys.argv[2]) if len(sys.argv) > 2 else end
    names = ["paged_out_" + "n" * LONG, "/paged/" + "f" * LONG]
    code = burn.__code__
    if hasattr(code, "co_qualname"):
        changed = code.replace(co_name=names[0], co_qualname=names[0], co_filename=names[1])
    else:
        changed = code.replace(co_name=names[0], co_filename=names[1])
    burn.__code__ = changed
    addresses = [id(name) for name in names]
    protect(addresses, PROT_NONE)
    burn(back)
    protect(addresses, PROT_READ_WRITE)
    burn(end)


main()
