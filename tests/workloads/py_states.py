"""Burns CPU in states that break naive walkers. Usage: py_states.py STATE SECONDS, with STATE one of
await (in a coroutine of a task, three deep), trace (sys.settrace on), import (while a module is imported), exit (in an
atexit handler, after the main module has ended), fork (in children that live a tenth of a second), exec (the same, exec'ed)."""
import atexit
import os
import sys
import time

STATE, SECONDS = sys.argv[1], float(sys.argv[2])
END = time.time() + SECONDS


def burn(seconds, clock=time.time):
    end, x = clock() + seconds, 1
    while clock() < end:
        for _ in range(1000):
            x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def children():
    while time.time() < END:
        pid = os.fork()
        if pid == 0:
            if STATE == "exec":
                os.execv(os.environ["EXE"], [os.environ["EXE"], __file__, "once", "0.1"])
            burn(0.1, time.process_time)
            os._exit(0)
        os.waitpid(pid, 0)


def tracer(frame, event, argument):
    return tracer


if STATE == "await":
    import asyncio
    source = """
async def leaf():
    await asyncio.sleep(0)
    burn(0.02)
async def middle():
    await leaf()
async def outer():
    while time.time() < END:
        await middle()
async def several():
    await asyncio.gather(outer(), outer())
"""
    exec(compile(source, "coroutines.py", "exec"))
    asyncio.new_event_loop().run_until_complete(several())
elif STATE == "trace":
    sys.settrace(tracer)
    burn(SECONDS)
elif STATE == "import":
    with open("slow_module.py", "w") as file:
        file.write("import __main__\n__main__.burn(%f)\n" % SECONDS)
    sys.path.insert(0, os.getcwd())
    import slow_module
elif STATE == "exit":
    atexit.register(burn, SECONDS)
elif STATE == "once":
    burn(SECONDS, time.process_time)  # however busy the machine is, so much of the process is this
else:
    children()
