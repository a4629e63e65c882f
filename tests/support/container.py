#!/usr/bin/env python3
"""Becomes a command in a container: the root is a folder under an overlay that vanishes with the last process.

Usage: unshare --mount --pid --fork container.py ROOT FOLDER... -- COMMAND...

FOLDERs are the host's, seen at the same paths inside. The caller gives the namespaces of mounts and pids; nothing is
mounted outside of them, and nothing is written to ROOT.
"""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
MS_NOSUID, MS_BIND, MS_REC, MS_PRIVATE = 2, 0x1000, 0x4000, 0x40000  # linux/mount.h
MNT_DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]  # asm/unistd.h
DEVICES = ["null", "zero", "full", "random", "urandom"]


def call(what, result):
    if result != 0:
        sys.exit(f"container: {what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind, flags=0, options=""):
    encoded = [text.encode() for text in (source, target, kind)]
    call(f"mount {kind} at {target}", libc.mount(*encoded, flags, options.encode()))


def bind(source, target):
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "w", encoding="utf-8"):
            pass
    mount(source, target, "", MS_BIND)


def build_root(lower, folders):
    """An overlay on `lower` in a tmpfs of its own; returns its path."""
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", "/mnt", "tmpfs")
    for name in ("upper", "work", "root"):
        os.mkdir(f"/mnt/{name}")
    root = "/mnt/root"
    mount("overlay", root, "overlay", 0, f"lowerdir={lower},upperdir=/mnt/upper,workdir=/mnt/work")
    for name in ("proc", "dev", "tmp"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("proc", f"{root}/proc", "proc")
    mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID)
    mount("tmpfs", f"{root}/dev", "tmpfs", MS_NOSUID)
    for name in DEVICES:
        bind(f"/dev/{name}", f"{root}/dev/{name}")
    for folder in folders:
        bind(folder, root + folder)
    return root


def main():
    end = sys.argv.index("--")
    lower, *folders = sys.argv[1:end]
    here = os.getcwd()
    os.chdir(build_root(lower, folders))
    call("pivot_root", libc.syscall(SYS_PIVOT_ROOT, b".", b"."))
    call("umount", libc.umount2(b".", MNT_DETACH))
    os.chdir(here if os.path.isdir(here) else "/")
    try:
        os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
    except OSError as error:
        sys.exit(f"container: {sys.argv[end + 1]}: {error.strerror}")


if __name__ == "__main__":
    main()
