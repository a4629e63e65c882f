#!/usr/bin/env python3
"""Builds the workloads, each by one command line, into build/workloads. Usage: build.py [NAME...]

A workload whose compiler or header is not on this machine is left out, with the reason. One that is newer than its
sources and was made by the same command is left alone.
"""
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "workloads")

# -fomit-frame-pointer is GCC's default at -O2; said here because the tests stand on it.
C = "gcc -O2 -g -fomit-frame-pointer -fno-optimize-sibling-calls -o {out} {src}/"
MUSL = "musl-gcc -O2 -g -fomit-frame-pointer -fno-optimize-sibling-calls -pthread -o {out} {src}/"


# name: (commands it needs, its sources, the command line)
TARGETS = {
    "c_chain": (["gcc"], "c_chain.c", C + "c_chain.c"),
    "c_chain_static": (["gcc"], "c_chain.c", C + "c_chain.c -static"),
    "c_chain_stripped": (["gcc"], "c_chain.c", C + "c_chain.c -s"),
    "c_chain_musl": (["musl-gcc"], "c_chain.c",
                     "musl-gcc -O2 -static -fomit-frame-pointer -fno-optimize-sibling-calls -o {out} {src}/c_chain.c"),
    "c_musl": (["musl-gcc"], "c_musl.c", MUSL + "c_musl.c"),
    "c_musl_static": (["musl-gcc"], "c_musl.c", MUSL + "c_musl.c -static -s"),
    "c_chain_debug_frame": (["gcc"], "c_chain.c", C + "c_chain.c -fno-asynchronous-unwind-tables -fno-unwind-tables"),
    "c_chain_fp": (["gcc"], "c_chain.c", "gcc -O2 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables "
                   "-fno-unwind-tables -fno-optimize-sibling-calls -o {out} {src}/c_chain.c"),
    "c_chain_minidebug": (["gcc", "objcopy", "xz"], "c_chain.c",
                          C + "c_chain.c && nm {out} --format=posix --defined-only | awk '$2 ~ /[tT]/ {{ print $1 }}' "
                          "| sort > {out}.keep && objcopy -S --remove-section .gdb_index --remove-section .comment "
                          "--keep-symbols={out}.keep {out} {out}.mini && rm -f {out}.mini.xz && xz {out}.mini && "
                          "strip --strip-all {out} && objcopy --add-section .gnu_debugdata={out}.mini.xz {out} && "
                          "rm {out}.keep {out}.mini.xz"),
    "c_chain_static_pie": (["gcc"], "c_chain.c", C + "c_chain.c -static-pie"),
    "c_chain_no_hdr": (["gcc"], "c_chain.c", C + "c_chain.c -Wl,--no-eh-frame-hdr"),
    "c_chain_relr": (["gcc"], "c_chain.c", C + "c_chain.c -Wl,-z,separate-code -Wl,-z,pack-relative-relocs"),
    "c_chain_wide": (["gcc"], "c_chain.c", C + "c_chain.c -Wl,-z,max-page-size=0x200000 -Wl,-z,noseparate-code"),
    "c_chain_fixed": (["gcc"], "c_chain.c", C + "c_chain.c -no-pie -Wl,-Ttext-segment=0x10007000"),
    "c_split": (["gcc"], "c_split.c", C + "c_split.c"),
    "c_deep": (["gcc"], "c_deep.c", C + "c_deep.c"),
    "c_signal": (["gcc"], "c_signal.c", C + "c_signal.c"),
    "c_regex": (["gcc"], "c_regex.c", C + "c_regex.c -lpcre2-8 -static -s"),
    "c_fault": (["gcc"], "c_fault.c", C + "c_fault.c"),
    "c_vfork_wait": (["gcc"], "c_vfork_wait.c", C + "c_vfork_wait.c"),
    "c_vfork": (["gcc"], "c_vfork.c", C + "c_vfork.c"),
    "c_aligned": (["gcc"], "c_aligned.c", C + "c_aligned.c"),
    "c_syscalls": (["gcc"], "c_syscalls.c", C + "c_syscalls.c"),
    "c_stacks": (["gcc"], "c_stacks.c", C + "c_stacks.c"),
    "c_short": (["gcc"], "c_short.c", C + "c_short.c"),
    "c_threads": (["gcc"], "c_threads.c", C + "c_threads.c -pthread"),
    "c_many_threads": (["gcc"], "c_many_threads.c", C + "c_many_threads.c -pthread"),
    "c_coroutine": (["gcc"], "c_coroutine.c", C + "c_coroutine.c"),
    "c_sigaltstack": (["gcc"], "c_sigaltstack.c", C + "c_sigaltstack.c"),
    "c_exec_loop": (["gcc"], "c_exec_loop.c", C + "c_exec_loop.c"),
    "c_exec_first": (["gcc"], "c_exec_each_other.c", C + "c_exec_each_other.c -static -no-pie -DBURN=burn_in_first"),
    "c_exec_second": (["gcc"], "c_exec_each_other.c", C + "c_exec_each_other.c -static -no-pie -DBURN=burn_in_second"),
    "c_forks": (["gcc"], "c_forks.c", C + "c_forks.c"),
    "c_memfd": (["gcc"], "c_memfd.c", C + "c_memfd.c"),
    "c_map_storm": (["gcc"], "c_map_storm.c", C + "c_map_storm.c"),
    "c_swap": (["gcc"], "c_swap.c", C + "c_swap.c -ldl"),
    "libeven.so": (["gcc"], "swapped.c", C + "swapped.c -shared -fPIC '-DNAME(x)=even_##x'"),
    "libodd.so": (["gcc"], "swapped.c", C + "swapped.c -shared -fPIC '-DNAME(x)=odd_##x'"),
    "c_maps": (["gcc"], "c_maps.c", C + "c_maps.c"),
    "c_truncated": (["gcc"], "c_truncated.c", C + "c_truncated.c"),
    "c_dying": (["gcc"], "c_dying.c", C + "c_dying.c"),
    "c_jit": (["gcc"], "c_jit.c", C + "c_jit.c"),
    "c_odd": (["gcc", "objcopy"], "c_odd.c",
              C + "c_odd.c && objcopy --redefine-sym \"$(printf 'odd_function=odd;function\\033[31m with\\nlines')\" {out}"),
    "lua_embedding_host": (["gcc"], "lua_embedding_host.c", C + "lua_embedding_host.c -ldl"),
    "libplugin.so": (["gcc"], "plugin.c", C + "plugin.c -shared -fPIC"),
    "c_dlopen": (["gcc"], "c_dlopen.c", C + "c_dlopen.c -ldl -Wl,-rpath,{dir}"),
    "c_big": (["gcc"], "c_big.c big.S", C + "c_big.c {src}/big.S"),
    "pl_embed": (["gcc", "perl"], "pl_embed.c", C + "pl_embed.c -w $(perl -MConfig -e "
                 "'print \"$Config{{ccflags}} -I$Config{{archlibexp}}/CORE -l:$Config{{libperl}}\"')"),
    "fuse_file": (["gcc"], "fuse_file.c", C + "fuse_file.c"),
    "cpp_throw": (["g++"], "cpp_throw.cc",
                  "g++ -std=c++20 -O2 -g1 -fomit-frame-pointer -fno-optimize-sibling-calls -o {out} {src}/cpp_throw.cc"),
    "cpp_deep_throw": (["g++"], "cpp_deep_throw.cc",
                       "g++ -std=c++20 -O2 -g1 -fomit-frame-pointer -fno-optimize-sibling-calls -o {out} {src}/cpp_deep_throw.cc"),
    "rust_unwind": (["rustc"], "rust_unwind.rs", "rustc --edition 2021 -O -o {out} {src}/rust_unwind.rs"),
    "rust_abort": (["rustc"], "rust_abort.rs",
                   "rustc --edition 2021 -O -C panic=abort -C force-frame-pointers=no -o {out} {src}/rust_abort.rs"),
    "go_cgo": (["go", "gcc"], "go_cgo/main.go", "cd {src}/go_cgo && CGO_ENABLED=1 go build -o {out} ."),
    "go_cgo_stripped": (["go", "gcc"], "go_cgo/main.go",
                        "cd {src}/go_cgo && CGO_ENABLED=1 go build -ldflags='-s -w' -o {out} ."),
    "go_busy": (["go"], "go_busy/main.go", "cd {src}/go_busy && CGO_ENABLED=0 go build -o {out} ."),
    "go_pure": (["go"], "go_pure/main.go", "cd {src}/go_pure && CGO_ENABLED=0 go build -o {out} ."),
    "go_pure_stripped": (["go"], "go_pure/main.go", "cd {src}/go_pure && CGO_ENABLED=0 go build -ldflags='-s -w' -o {out} ."),
}


def python_targets(pythons):
    """Targets that need a Python's own headers; `pythons` maps a label to the interpreter (see interpreters.py)."""
    targets = {}
    for label, python in pythons.items():
        config = os.path.join(os.path.dirname(os.path.realpath(python)), os.path.basename(os.path.realpath(python)) + "-config")
        embed = (f"{C}py_embed.c -Wno-unused-result $({config} --includes) $({config} --ldflags --embed) "
                 f"-Wl,-rpath,$({config} --prefix)/lib")
        targets[f"py_embed_{label}"] = ([config], "py_embed.c", embed)
        targets.setdefault("py_crossing.so", ([config], "py_crossing.c",
                                              f"{C}py_crossing.c -shared -fPIC $({config} --includes)"))
        if label.endswith("t"):  # prefers one that says it is for it
            own = f"py_crossing.cpython-{label.replace('.', '')}-x86_64-linux-gnu.so"
            targets[own] = ([config], "py_crossing.c", f"{C}py_crossing.c -DOWN_ABI -shared -fPIC $({config} --includes)")
    return targets


def stamp_of(sources, line):
    digest = hashlib.sha256(line.encode())
    for source in sorted([*sources.split(), "burn.h"]):
        with open(f"{HERE}/{source}", "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def build_one(name, target):
    """None, or why `name` is not there."""
    needs, sources, line = target
    for command in needs:
        if shutil.which(command) is None:
            return f"{os.path.basename(command)} is not installed"
    out = f"{OUT}/{name}"
    line = line.format(out=out, src=HERE, dir=OUT)
    stamp, stamp_file = stamp_of(sources, line), f"{OUT}/.{name}.stamp"
    if os.path.exists(out) and os.path.exists(stamp_file):
        with open(stamp_file, encoding="utf-8") as file:
            if file.read() == stamp:
                return None
    result = subprocess.run(line, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace")
    if result.returncode != 0:
        return "does not build: " + " | ".join(result.stdout.strip().splitlines()[-3:])
    with open(stamp_file, "w", encoding="utf-8") as file:
        file.write(stamp)
    return None


def build(names, pythons):
    """Builds `names`; a dictionary of name → None, or the reason why it is not there."""
    targets = {**TARGETS, **python_targets(pythons)}
    os.makedirs(OUT, exist_ok=True)
    return {name: build_one(name, targets[name]) if name in targets else "no such workload" for name in names}


def main():
    from interpreters import interpreters
    pythons = interpreters()
    names = sys.argv[1:] or [*TARGETS, *python_targets(pythons)]
    failed = False
    for name, reason in build(names, pythons).items():
        print(f"{name}: {reason or 'built'}")
        failed |= reason is not None and reason.startswith("does not build")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
