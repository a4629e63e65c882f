"""Stops itself deep in a stack whose shape is known, after telling the stack as Python sees it.

Functions whose name begins with "c_" are called by C code: the interpreter loop is entered anew for them. The stack
mixes what has names, lines and frames of every kind: generators, coroutines, class bodies, code from strings, names
outside ASCII, names and line tables longer than a record holds, a recursion.

    python workload.py main|thread|subinterpreter
"""

import _thread
import os
import signal
import sys

ENTERED_FROM_C = {"<module>", "Body"}
EVERY_FRAME = sys.version_info < (3, 11)  # each call was one in C
if sys.version_info < (3, 12):
    ENTERED_FROM_C.add("awaited")  # before 3.12 a coroutine that is awaited runs in a loop of its own


def truth():
    lines = []
    frame = sys._getframe(1)
    while frame:
        code = frame.f_code
        name = code.co_name
        entry = int(EVERY_FRAME or name in ENTERED_FROM_C or name.startswith("c_"))
        # Before 3.11 a name is known with its class only where an argument leads there.
        qualified = getattr(code, "co_qualname", "Holder.method" if name == "method" else name)
        lines.append(f"frame\t{entry}\t{frame.f_lineno}\t{code.co_firstlineno}\t{code.co_filename}\t{qualified}\n")
        frame = frame.f_back
    return f"thread\t{_thread.get_ident()}\n" + "".join(lines)


def stop():
    os.write(1, truth().encode()), os.kill(os.getpid(), signal.SIGSTOP), stay()


def recurse(depth):
    if depth:
        recurse(depth - 1)
    else:
        stop()


LONG_NAME = "long_" + "x" * 600
STRING = f"""
def {LONG_NAME}():
    recurse(20)

def many_lines(x=0):
{"    x = (x + 1)" + chr(10) * 40 :s}
    {LONG_NAME}()

def long_table(x=0):
{("    x = [x, x][0]" + chr(10)) * 1500}
    many_lines()

long_table()
"""


def from_string():
    exec(compile(STRING, "<string>", "exec"), globals())


def class_body():
    class Body:
        from_string()


async def awaited():
    class_body()


async def c_coroutine():
    await awaited()


def 𠮷():
    try:
        c_coroutine().send(None)
    except StopIteration:
        pass


def функция():
    𠮷()


def größe():
    функция()


class Holder:
    def method(self):
        größe()


def lambdas():
    return list(map(lambda _: Holder().method(), [0]))


def c_generator():
    lambdas()
    yield


def generator():
    next(c_generator())


def c_key(_):
    generator()
    return 0


def outer():
    sorted([1], key=c_key)


def c_thread(lock):
    outer()
    lock.release()


def run_thread():
    lock = _thread.allocate_lock()
    lock.acquire()
    _thread.start_new_thread(c_thread, (lock,))
    lock.acquire()


def run_subinterpreter():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    source = open(sys.argv[0]).read()
    inner = interpreters.create()
    interpreters.run_string(inner, "import sys\nsys.argv = ['workload.py', 'main']\n" + source)


ENTERED_FROM_C.add("<lambda>")
# The signal may stop another thread first: this one is not to run on. Waiting gives up the interpreter's lock.
stay = signal.pause if sys.argv[1] == "thread" else int
idle = _thread.allocate_lock()
idle.acquire()
_thread.start_new_thread(idle.acquire, ())

if sys.argv[1] == "thread":
    run_thread()
elif sys.argv[1] == "subinterpreter":
    run_subinterpreter()
else:
    outer()
