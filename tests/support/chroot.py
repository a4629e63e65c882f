"""Debian systems in folders: the packages of a suite, unpacked with all they depend on, made once and kept.

Nothing of a package is run (its scripts would want a whole system), so that making one takes seconds and mounts nothing.
What a script would have set up (an alternative, a default configuration) the workload says itself.
"""
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile

from debian import CACHE, STALE_IS_FINE, Unavailable, run, source

SUITES = ["bullseye", "bookworm", "trixie", "sid", "experimental", "candidate"]
# What is in experimental only comes on a sid: by the names that packages have there, because sid's own win else. A
# "candidate" is a version before its first release.
ON_SID = {"experimental": {"ruby": "ruby3.4", "php": "php8.5"}, "candidate": {"php": "php8.6"}}
BASE = ["base-files", "coreutils", "dash"]  # the folders and links of the root, commands and a shell for workloads
LIMIT = 400  # seconds a mirror may take


def remove(folder):
    """Removes a folder that nothing is mounted in."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        if any(line.split()[4].startswith(folder) for line in file):
            raise Unavailable(f"something is mounted in {folder}")
    shutil.rmtree(folder, ignore_errors=True)


def named_in(suite, package):
    """What a package of the other suites is called in this one: php-cli is php8.5-cli in experimental."""
    name, dash, part = package.partition("-")
    return ON_SID.get(suite, {}).get(name, name) + dash + part


def system(suite, folder):
    """Arguments of mmdebstrap: suite, folder and lines of sources."""
    if suite in ON_SID:
        return ["sid", folder, source("sid"), source("experimental")]
    return [suite, folder, source(suite)]


def make(suite, packages, folder):
    partial = tempfile.mkdtemp(prefix=".partial-", dir=os.path.dirname(folder))
    try:
        os.chmod(partial, 0o755)
        run(["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", f"--include={','.join(BASE + [named_in(suite, name) for name in packages])}",
             "--aptopt=APT::Sandbox::User \"root\"", f"--aptopt={STALE_IS_FINE.replace('=', ' ')}",
             "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
             "--dpkgopt=path-exclude=/usr/share/man/*", *system(suite, partial)], timeout=LIMIT)
        with open(f"{partial}/etc/passwd", "w", encoding="utf-8") as file:
            file.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n")
        with open(f"{partial}/etc/group", "w", encoding="utf-8") as file:
            file.write("root:x:0:\nnogroup:x:65534:\n")
        os.rename(partial, folder)
    except BaseException:
        remove(partial)
        raise


@functools.cache
def chroot_of(suite, packages):
    """(path, None) of the folder that holds `packages` (a string, words) of `suite`; or (None, why it cannot be had)."""
    names = sorted(set(packages.split()))
    folder = f"{CACHE}/chroots/{'+'.join([suite, *names])}"
    if shutil.which("mmdebstrap") is None:
        return None, "mmdebstrap is not installed"
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(f"{CACHE}/chroots/.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not os.path.isdir(folder):
                make(suite, names, folder)
        except (Unavailable, subprocess.TimeoutExpired) as error:
            return None, f"{suite}: {error}"
    return folder, None
