"""Packs what runs inside the virtual machine into an initramfs: busybox, the profiler, workloads, a Python."""
import os
import shlex
import shutil
import subprocess

# Of the standard library, what the Python workloads import, and what Python itself imports to start.
PYTHON_PACKAGES = ["collections", "ctypes", "encodings", "importlib", "re", "lib-dynload"]


def libraries_of(program):
    """Paths of the shared libraries (and the loader) a program needs."""
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]


def add(tree, path, at=None):
    """Copies `path` into the tree, at the same place unless told, with the libraries it needs."""
    target = tree + (at or path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(os.path.realpath(path), target)
    for library in libraries_of(path):
        if not os.path.exists(tree + library):
            os.makedirs(os.path.dirname(tree + library), exist_ok=True)
            shutil.copy(os.path.realpath(library), tree + library)


def add_python(tree, python):
    add(tree, python)
    real = os.path.realpath(python)
    version = os.path.basename(real)
    library = f"{os.path.dirname(os.path.dirname(real))}/lib/{version}"
    os.makedirs(tree + library, exist_ok=True)
    for name in os.listdir(library):
        if name.endswith(".py"):
            shutil.copy(f"{library}/{name}", f"{tree}{library}/{name}")
    for package in PYTHON_PACKAGES:
        if os.path.isdir(f"{library}/{package}"):
            shutil.copytree(f"{library}/{package}", f"{tree}{library}/{package}", dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__", "*test*"))


def guest_script(instances, seconds, hz):
    """What init runs: every workload in the background, one run of the profiler, its files out through a serial port."""
    lines = ["#!/bin/busybox sh",
             "/bin/busybox --install -s /bin",
             "export PATH=/bin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 GP_WORKLOADS=/w W=/w S=/s HOME=/",
             "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp; mount -t devtmpfs dev /dev",
             "stty raw -echo </dev/ttyS1",
             "echo \"guest: $(uname -r), $(nproc) CPUs\"",
             "/gprofiler doctor"]
    late = []
    for instance in instances:
        target = instance.python if instance.python and not instance.needs_program() else f"/w/{instance.needs[0]}"
        variables = {"D": f"/d/{instance.comm}", "EXE": f"/d/{instance.comm}/{instance.comm}", "COMM": instance.comm,
                     "TARGET": target, "SECONDS": str(seconds - 4 if instance.case.late else seconds + 30)}
        exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
        lines.append(f"mkdir -p /d/{instance.comm} && ln -s {shlex.quote(target)} /d/{instance.comm}/{instance.comm}")
        start = f"(cd /d/{instance.comm}; {exports} sh -c {shlex.quote(instance.case.workload)}) >/dev/null 2>&1 &"
        (late if instance.case.late else lines).append(start)
    lines += ["sleep 1", f"/gprofiler -o /out -d {seconds} -f {hz} & agent=$!"]
    lines += ["sleep 3", *late] if late else []
    lines += ["wait $agent; code=$?; echo \"guest: the profiler ended with $code\"",
              "(echo \"exit $code\"; cat /out/last_profile.col; echo; echo end) | gzip | base64 >/dev/ttyS1",
              "sync; poweroff -f"]
    return "\n".join(lines) + "\n"


def pack(tree, image):
    """A compressed cpio archive of the tree, as the kernel unpacks it."""
    with open(image, "wb") as out:
        subprocess.run("find . -print0 | cpio --null --create --format=newc --quiet | zstd -q -3 -T0", shell=True, cwd=tree,
                       stdout=out, check=True)
