"""Interpreters that no package has, built from Debian's sources of theirs: which there are is in RECIPES.

Made once, some minutes each, and kept in $GP_TEST_CACHE. Usage: built.py LABEL...
"""
import fcntl
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from debian import CACHE, Unavailable, mirror, own_apt, run
from matrix import natural

LIMIT = 1500  # seconds for one, on a machine that has other things to do


@dataclass(frozen=True)
class Recipe:
    """How one is built. Its commands run in an empty folder; in them {source}, {prefix} and {folder} are the source, where it
    is to be installed, and that folder."""

    language: str
    suite: str
    package: str  # whose source it is, without Debian's changes
    program: str  # below the prefix
    commands: tuple  # each a list of words
    needs: tuple = ("gcc", "make")
    scripts: dict = field(default_factory=dict)  # programs of its own in the folder, by name
    kept: tuple = ()  # (upstream version, SHA-256 of its tarball) for where the mirror lacks what it lists


JOBS = f"-j{os.cpu_count()}"
PYTHON = ("--disable-test-modules", "--without-ensurepip", "CFLAGS=-g0")
# It calls the machine's own gcc, which would name the machine's own libc here, and configure takes no contradiction.
MUSL_CC = '#!/bin/sh\n[ "$1" = --print-multiarch ] || exec musl-gcc "$@" -idirafter "${0%/*}/kernel"\n'
# musl has no headers of the kernel's: the machine's own.
KERNEL = ["sh", "-c", "mkdir kernel && ln -s /usr/include/linux /usr/include/asm-generic"
          " /usr/include/$(gcc -print-multiarch)/asm kernel/"]
MUSL = {"needs": ("musl-gcc", "make"), "scripts": {"musl-cc": MUSL_CC}}


def python(suite, version, *arguments, **more):
    return Recipe("python", suite, f"python{version}", f"bin/python{version}{'t' if '--disable-gil' in arguments else ''}",
                  (["{source}/configure", "--prefix={prefix}", *PYTHON, *arguments], ["make", JOBS], ["make", "install"]), **more)


# Extensions that take long and that nothing here needs.
WITHOUT = ("B Compress/Raw/Bzip2 Compress/Raw/Zlib DB_File Devel/PPPort Devel/Peek Digest/MD5 Digest/SHA Encode GDBM_File"
           " I18N/Langinfo IPC/SysV MIME/Base64 Math/BigInt/FastCalc NDBM_File ODBM_File SDBM_File Socket Storable Sys/Hostname"
           " Sys/Syslog Time/HiRes Time/Piece Unicode/Collate Unicode/Normalize XS/APItest XS/Typemap")


def perl(suite, version, *options):
    """Without threads, as Configure has it unless told."""
    configure = ["sh", "-c", 'cd "$0" && exec sh ./Configure "$@"', "{source}", "-des", "-Dprefix={prefix}", "-Dman1dir=none",
                 "-Dman3dir=none", "-Doptimize=-O2", f"-Dnoextensions={WITHOUT}", *options]
    return Recipe("perl", suite, "perl", f"bin/perl{version}",
                  (configure, ["make", "-C", "{source}", JOBS], ["make", "-C", "{source}", "install"]))


# As the official container images configure it; of the extensions those that the workloads use. It would download gems.
RUBY = ("--disable-install-doc", "optflags=-O2", "debugflags=-g0")
EXTENSIONS = "--with-ext=etc,monitor,stringio,rbconfig/sizeof"


def ruby(suite, version, *options, before=(), **more):
    return Recipe("ruby", suite, f"ruby{version}", "bin/ruby",
                  (*before, ["{source}/configure", "--prefix={prefix}", *RUBY, *options], ["make", JOBS, "bundled-gems="],
                   ["make", "install", "bundled-gems="]), **more)


def ruby_yjit(suite, version):
    """With YJIT, which Debian's have not from 3.3 on."""
    return ruby(suite, version, "--enable-yjit", "--enable-shared", f"{EXTENSIONS},zlib", needs=("gcc", "make", "rustc"))


def ruby_musl(suite, version, *options):
    return ruby(suite, version, EXTENSIONS, "--disable-yjit", "CC={folder}/musl-cc", "PKG_CONFIG=false", *options,
                before=(KERNEL,), **MUSL)


def php(suite, version, *options, before=(), **more):
    """With a PCRE of its own, as the official container images have it; and opcache."""
    configure = ["{source}/configure", "--prefix={prefix}", "--disable-all", "--disable-cgi", "--disable-phpdbg",
                 "--enable-opcache", "--enable-pcntl", "--enable-posix", "CFLAGS=-O2 -g0", *options]
    # Official images strip their programs.
    return Recipe("php", suite, f"php{version}", "bin/php",
                  (*before, configure, ["make", JOBS], ["make", "install"],
                   ["sh", "-c", "strip $(ls -d $0/bin/php $0/sbin/php* 2>/dev/null)", "{prefix}"]),
                  **more)


# With thread safety; libphp.so, too.
ZTS = ("--enable-zts", "--enable-embed")
# Its configure asks the machine's own ldd whether it is for musl.
PHP_MUSL = ("CC={folder}/musl-cc", "CPPFLAGS=-D__MUSL__", "PKG_CONFIG=false")
# Last in the mirror when this was written; as the .dsc files beside them say.
PHP_84 = ("8.4.24", "e127be09a8506f4327c5cfa78a614b00d210714484ec215ce0011b4a03c00731")
PYTHON_314 = ("3.14.7", "3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81")


RECIPES = {
    "3.13t": python("trixie", "3.13", "--disable-gil"),
    "3.14t": python("sid", "3.14", "--disable-gil", kept=PYTHON_314),
    # As uv installs them: instructions are functions.
    "3.14-tail": python("sid", "3.14", "--with-tail-call-interp", "CC=clang-19", needs=("clang-19", "make"), kept=PYTHON_314),
    "3.13-musl": python("trixie", "3.13", "CC={folder}/musl-cc", "PKG_CONFIG=false", **MUSL),
    "5.36-nothreads": perl("bookworm", "5.36.0", "-Duseshrplib"),
    "5.40-nothreads": perl("trixie", "5.40.1"),
    "3.3-yjit": ruby_yjit("trixie", "3.3"),
    "3.4-yjit": ruby_yjit("experimental", "3.4"),
    "3.3-musl": ruby_musl("trixie", "3.3", "--enable-shared"),
    "3.4-musl": ruby_musl("experimental", "3.4", "--disable-shared"),
    "8.2-zts": php("bookworm", "8.2", *ZTS),
    "8.2-zts-musl": php("bookworm", "8.2", *ZTS, *PHP_MUSL, before=(KERNEL,), **MUSL),
    "8.4-zts": php("trixie", "8.4", *ZTS, kept=PHP_84),
    "8.4-fpm": php("trixie", "8.4", "--enable-fpm", kept=PHP_84),
}


def prefix_of(label):
    return f"{CACHE}/{RECIPES[label].language}s/{label}"


def download_kept(recipe, state):
    """The tarball that the recipe names, from where the archive has its like."""
    version, digest = recipe.kept
    name = f"{recipe.package}_{version}.orig.tar.xz"
    url = f"{mirror().rstrip('/')}/pool/main/{recipe.package[0]}/{recipe.package}/{name}"
    run(["/usr/lib/apt/apt-helper", "download-file", url, f"{state}/{name}", f"SHA256:{digest}"], timeout=300)


def download(recipe, folder):
    """Unpacks the source of a package, without Debian's changes; returns where."""
    with own_apt(recipe.suite, "deb-src") as (state, options):
        known = run(["apt-cache", *options, "showsrc", "--only-source", recipe.package])
        get = ["apt-get", *options, "-qq", "source", "--download-only", "--tar-only"]
        why = Unavailable("there is no source")
        # A mirror may not have (yet, or any more) what it lists.
        for version in sorted(re.findall(r"^Version: (\S+)$", known, re.MULTILINE), key=natural, reverse=True):
            try:
                run([*get, f"{recipe.package}={version}"], cwd=state, timeout=300)
                break
            except Unavailable as error:
                why = error
        else:
            if not recipe.kept:
                raise why
            download_kept(recipe, state)
        run(["tar", "xf", glob.glob(f"{state}/{recipe.package}_*.orig.tar.xz")[0]], cwd=folder)
    return glob.glob(f"{folder}/*/")[0].rstrip("/")


def make(label):
    recipe, prefix = RECIPES[label], prefix_of(label)
    with tempfile.TemporaryDirectory(prefix="gprofiler-built-") as folder:
        source = download(recipe, folder)
        for name, text in recipe.scripts.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(file.name, 0o755)
        try:
            for command in recipe.commands:
                run([word.format(source=source, prefix=prefix, folder=folder) for word in command], cwd=folder, timeout=LIMIT)
        except BaseException:
            shutil.rmtree(prefix, ignore_errors=True)
            raise


@functools.cache
def built(label):
    """(path of the interpreter, None), made now if need be; or (None, why there is none)."""
    if label not in RECIPES:
        return None, f"there is no {label.replace('-', ', ')} here"
    recipe = RECIPES[label]
    program = f"{prefix_of(label)}/{recipe.program}"
    os.makedirs(os.path.dirname(prefix_of(label)), exist_ok=True)
    with open(f"{os.path.dirname(prefix_of(label))}/.{label}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.access(program, os.X_OK):
            return program, None
        for command in recipe.needs:
            if shutil.which(command) is None:
                return None, f"{command} is not installed"
        try:
            make(label)
        except (Unavailable, subprocess.TimeoutExpired) as error:
            return None, f"{recipe.package} of {recipe.suite} cannot be built: {error}"
    return program, None


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, *filter(None, built(name)))
