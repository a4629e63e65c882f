"""Debian's archive as the tests use it: from the mirror this machine's own apt has, kept under one folder."""
import contextlib
import os
import subprocess
import tempfile

CACHE = os.environ.get("GP_TEST_CACHE", os.path.expanduser("~/.cache/gprofiler-tests"))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# A mirror may lag behind, or this machine's clock be ahead: signatures count, the date until which they were meant does not.
STALE_IS_FINE = "Acquire::Check-Valid-Until=false"


class Unavailable(Exception):
    """Why something of Debian's cannot be had here."""


def run(command, **options):
    """The output of a command that has to succeed."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", **options)
    if result.returncode != 0:
        raise Unavailable(f"{command[0]}: " + " | ".join(result.stdout.strip().splitlines()[-2:]))
    return result.stdout


def mirror():
    """The archive that this machine's own apt takes Debian from."""
    targets = run(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"])
    for line in targets.splitlines():
        label, _, uri = line.partition(" ")
        if label == "Debian":
            return uri
    raise Unavailable("apt knows no Debian archive here; 'apt-get update' may not have run")


def source(suite, kind="deb"):
    """The line of a sources.list that has `suite`."""
    return f"{kind} [signed-by={KEYRING}] {mirror()} {suite} main\n"


@contextlib.contextmanager
def own_apt(suite, kind="deb"):
    """(a folder, options) of an apt that knows one suite and touches none of the machine's state; its lists are read. With
    "deb-src" it has the sources of packages."""
    with tempfile.TemporaryDirectory(prefix="gprofiler-apt-") as state:
        os.chmod(state, 0o755)
        os.makedirs(f"{state}/lists/partial")
        os.makedirs(f"{state}/cache/archives/partial")
        with open(f"{state}/sources.list", "w", encoding="utf-8") as file:
            file.write(source(suite, kind))
        options = ["-o", f"Dir::Etc::sourcelist={state}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
                   "-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}/cache",
                   "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root", "-o", STALE_IS_FINE]
        run(["apt-get", *options, "-qq", "update"], timeout=300)
        yield state, options
