"""Which Pythons this machine has: by version, and by whether the interpreter is in the program or in libpython."""
import glob
import os
import subprocess

VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
# Before 3.11 names have no classes of their own and frames no marks: other workloads, other stacks.
OLD_VERSIONS = ["3.9", "2.7", "3.6", "3.7", "3.8", "3.10"]
# What a full run wants to see; a combination that is not here is a SKIP.
WANTED = ["3.11-static", "3.11-shared", "3.12-shared", "3.13-shared", "3.13t"]
MATRIX_WANTED = [*WANTED, "3.14t"]
OLD_WANTED = [f"{version}-shared" for version in OLD_VERSIONS]


def candidates(version):
    yield f"/usr/bin/python{version}"
    yield f"/usr/local/bin/python{version}"
    roots = [os.environ.get("PYENV_ROOT", ""), os.path.expanduser("~/.pyenv"), "/opt/pyenv"]
    for root in filter(None, roots):
        yield from sorted(glob.glob(f"{root}/versions/{version}.*/bin/python{version}"))


def kind_of(python):
    needed = subprocess.run(["ldd", python], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return "shared" if "libpython" in needed else "static"


def interpreters():
    """Label (such as "3.11-static") → path; the first of each label found, system ones first, old ones last."""
    found = {}
    for version in VERSIONS + OLD_VERSIONS:
        for python in candidates(version):
            if os.access(python, os.X_OK):
                found.setdefault(f"{version}-{kind_of(python)}", python)
    cache = os.environ.get("GP_TEST_CACHE", os.path.expanduser("~/.cache/gprofiler-tests"))
    for python in glob.glob(f"{cache}/pythons/*t/bin/python3.*t"):  # tests/support/built.py has made them
        found[os.path.basename(python)[len("python"):]] = python
    return found
