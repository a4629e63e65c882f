"""Debian's archive as the tests use it: from the mirror this machine's own apt has, kept under one folder."""
import os
import subprocess

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


def source(suite):
    """The line of a sources.list that has `suite`."""
    return f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n"
