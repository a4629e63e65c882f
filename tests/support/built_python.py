"""CPythons that no package has, built from Debian's sources of CPython: without the interpreter's lock, and against musl.

Made once, some minutes each, and kept in $GP_TEST_CACHE/pythons. Usage: built_python.py LABEL...
"""
import fcntl
import functools
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from debian import CACHE, Unavailable, own_apt, run

# label: (suite and package that have the source, commands it takes, arguments of configure)
BUILDS = {
    "3.13t": ("trixie", "python3.13", ["gcc", "make"], ["--disable-gil"]),
    "3.14t": ("sid", "python3.14", ["gcc", "make"], ["--disable-gil"]),
    "3.13-musl": ("trixie", "python3.13", ["musl-gcc", "make"], ["CC={folder}/musl-cc", "PKG_CONFIG=false"]),
}
# It calls the machine's own gcc, which would name the machine's own libc here, and configure takes no contradiction.
MUSL_CC = '#!/bin/sh\n[ "$1" = --print-multiarch ] || exec musl-gcc "$@"\n'
COMMON = ["--disable-test-modules", "--without-ensurepip", "CFLAGS=-g0"]
LIMIT = 1500  # seconds for one, on a machine that has other things to do


def program_of(label):
    """Path of a build's interpreter, there or not."""
    version = label.partition("-")[0]
    return f"{CACHE}/pythons/{label}/bin/python{version}"


def download(suite, package, folder):
    """Unpacks the source of a package, without Debian's changes; returns where."""
    with own_apt(suite, "deb-src") as (state, options):
        run(["apt-get", *options, "-qq", "source", "--download-only", package], cwd=state, timeout=300)
        run(["tar", "xf", glob.glob(f"{state}/*.orig.tar.xz")[0]], cwd=folder)
    return glob.glob(f"{folder}/Python-*")[0]


def make(label):
    suite, package, _, arguments = BUILDS[label]
    prefix = f"{CACHE}/pythons/{label}"
    with tempfile.TemporaryDirectory(prefix="gprofiler-python-") as folder:
        source = download(suite, package, folder)
        with open(f"{folder}/musl-cc", "w", encoding="utf-8") as file:
            file.write(MUSL_CC)
        os.chmod(file.name, 0o755)
        run([f"{source}/configure", f"--prefix={prefix}", *COMMON, *(one.format(folder=folder) for one in arguments)],
            cwd=folder, timeout=LIMIT)
        run(["make", f"-j{os.cpu_count()}"], cwd=folder, timeout=LIMIT)
        try:
            run(["make", "install"], cwd=folder, timeout=LIMIT)
        except BaseException:
            shutil.rmtree(prefix, ignore_errors=True)
            raise


@functools.cache
def built_python(label):
    """(path of the interpreter, None), made now if need be; or (None, why there is none)."""
    if label not in BUILDS:
        return None, f"there is no Python {label.replace('-', ', ')} here"
    suite, package, commands, _ = BUILDS[label]
    for command in commands:
        if shutil.which(command) is None:
            return None, f"{command} is not installed"
    os.makedirs(f"{CACHE}/pythons", exist_ok=True)
    with open(f"{CACHE}/pythons/.{label}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not os.access(program_of(label), os.X_OK):
                make(label)
        except (Unavailable, subprocess.TimeoutExpired) as error:
            return None, f"{package} of {suite} cannot be built: {error}"
    return program_of(label), None


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, *filter(None, built_python(name)))
