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


def start_of(instance, seconds):
    """(preparation, command) of one workload in the guest; it ends when its round does."""
    target = instance.python if instance.python and not instance.needs_program() else f"/w/{instance.needs[0]}"
    folder = f"/d/{instance.comm}"
    variables = {"D": folder, "EXE": f"{folder}/{instance.comm}", "COMM": instance.comm, "TARGET": target,
                 "SECONDS": str(seconds)}
    exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
    prepare = f"mkdir -p {folder} && ln -s {shlex.quote(target)} {folder}/{instance.comm}"
    return prepare, f"(cd {folder}; {exports} sh -c {shlex.quote(instance.case.workload)}) >/dev/null 2>&1 &"


def round_script(instances, warm_up, seconds, hz):
    """One round: the workloads in the background, one run of the profiler, its profile out through a serial port, and what a
    dump of the first of them says."""
    early = [start_of(instance, 600) for instance in instances if not instance.case.late]
    late = [start_of(instance, 600) for instance in instances if instance.case.late]
    return [*(prepare for prepare, _ in early + late), *(command for _, command in early), f"sleep {warm_up}",
            f"/gprofiler -o /out -d {seconds} -f {hz} & agent=$!",
            *(["sleep 4"] if late else []), *(command for _, command in late),
            "wait $agent; code=$?; echo \"guest: the profiler ended with $code\"",
            "(echo \"exit $code\"; cat /out/last_profile.col) | gzip | base64 >/dev/ttyS1; echo >/dev/ttyS1",
            f"(echo dump; set -- $(pidof {instances[0].comm}); /gprofiler dump $1 2>&1) | gzip | base64 >/dev/ttyS1; echo >/dev/ttyS1",
            "rm -rf /out; kill -9 -1"]


def guest_script(rounds, seconds, hz):
    """What init runs. `rounds`: pairs of the cases that run at the same time and the seconds they need to get going."""
    lines = ["#!/bin/busybox sh",
             "/bin/busybox --install -s /bin",
             "export PATH=/bin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 GP_WORKLOADS=/w W=/w S=/s HOME=/",
             "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp; mount -t devtmpfs dev /dev",
             "stty raw -echo </dev/ttyS1",
             "echo \"guest: $(uname -r), $(nproc) CPUs\""]
    for instances, warm_up in rounds:
        lines += round_script(instances, warm_up, seconds, hz)
    # For a command the walkers of all runtimes are loaded, not of those alone that are met.
    lines += ["/gprofiler -o /out -- true >/tmp/all 2>&1; code=$?; echo \"guest: with all walkers it ended with $code\"",
              "(echo \"walkers $code\"; cat /tmp/all) | gzip | base64 >/dev/ttyS1; echo >/dev/ttyS1"]
    return "\n".join([*lines, "sync; poweroff -f"]) + "\n"


def pack(tree, image):
    """A compressed cpio archive of the tree, as the kernel unpacks it."""
    with open(image, "wb") as out:
        subprocess.run("find . -print0 | cpio --null --create --format=newc --quiet | zstd -q -3 -T0", shell=True, cwd=tree,
                       stdout=out, check=True)
