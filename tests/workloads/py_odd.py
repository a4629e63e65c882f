"""Functions whose names and files hold what breaks a line of text: ; space, newline, escape codes, other scripts."""
import sys
import time

NAMES = [("semi;colon", "odd;file name.py"), ("new\nline", "new\nline.py"), ("esc\x1b[31mape", "tab\tfile.py"),
         ("größe_名前", "日本語.py")]
SOURCE = """
def placeholder():
    x = 1
    for _ in range(20000):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x
"""


def odd_functions():
    for name, file in NAMES:
        scope = {}
        exec(compile(SOURCE, file, "exec"), scope)
        function = scope["placeholder"]
        function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
        yield function


functions = list(odd_functions())
END = time.monotonic() + float(sys.argv[1])
while time.monotonic() < END:
    for function in functions:
        function()
