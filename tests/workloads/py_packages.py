"""Makes packages of several kinds in ./site-packages, as installers leave them; with SECONDS, burns CPU in each of them.
Usage: py_packages.py make | py_packages.py SECONDS"""
import os
import subprocess
import sys
import time
import zipfile

SITE = os.path.join(os.getcwd(), "site-packages")
EGG = os.path.join(SITE, "egged-2.1-py3.egg")
ZIP = os.path.join(SITE, "zipped_egg-0.3-py3.egg")
BURN = "def burn(f=lambda x: x):\n    x = 1\n    for i in range(20000): x = (x * 1103515245 + 12345) & 0x7FFFFFFF\n    return f(x)\n"
NAMES = ["wheeled", "egged", "zipped", "plain", "nobodys", "outside"]


def write(path, text):
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(text)


def make():
    wheel = os.path.join(os.getcwd(), "wheeled-1.5-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("wheeled/__init__.py", BURN)
        file.writestr("wheeled-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: wheeled\nVersion: 1.5\n")
        file.writestr("wheeled-1.5.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("wheeled-1.5.dist-info/RECORD", "wheeled/__init__.py,,\nwheeled-1.5.dist-info/METADATA,,\n")
    subprocess.check_call([sys.executable, "-m", "pip", "-q", "install", "--no-index", "--target", SITE, wheel])
    write(EGG + "/egged.py", BURN)
    with zipfile.ZipFile(ZIP, "w") as file:
        file.writestr("zipped.py", BURN)
    write(SITE + "/plain-7.egg-info", "Metadata-Version: 1.0\nName: plain\nVersion: 7\n")
    write(SITE + "/plain.py", BURN)
    write(SITE + "/nobodys.py", BURN)
    write(os.getcwd() + "/src/outside.py", BURN)


def run(seconds):
    sys.path[:0] = [SITE, EGG, ZIP, os.getcwd() + "/src"]
    modules = [__import__(name) for name in NAMES]
    import json
    end = time.time() + seconds
    while time.time() < end:
        for module in modules:
            module.burn()
        json.dumps(list(range(2000)), indent=1)


if sys.argv[1] == "make":
    make()
else:
    run(float(sys.argv[1]))
