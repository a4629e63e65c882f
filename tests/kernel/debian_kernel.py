"""Debian's kernels by suite, fetched with apt from the mirror this machine uses, and kept."""
import glob
import os
import re
import shutil
import subprocess
import time

from debian import CACHE, Unavailable, own_apt, run

PACKAGE = "linux-image-cloud-amd64"  # the smaller flavour; console, BPF, BTF and perf events are built in
FRESH_SECONDS = 24 * 3600  # a suite is asked for a newer kernel at most once a day


def fetch(suite, folder):
    """Puts the suite's kernel image into `folder`, with an apt of its own that touches none of the machine's state."""
    with own_apt(suite) as (state, options):
        # The package of the flavour depends on that of the release; newer suites put the image into linux-binary-*.
        package = PACKAGE
        for part in ("image", "binary"):
            shown = run(["apt-cache", *options, "show", package])
            deeper = re.search(rf"^Depends: .*?(linux-{part}-\d\S+)", shown, re.M)
            package = deeper.group(1) if deeper else package
        run(["apt-get", *options, "-qq", "download", package], cwd=state, timeout=300)
        run(["dpkg-deb", "-x", glob.glob(f"{state}/*.deb")[0], f"{state}/image"])
        images = glob.glob(f"{state}/image/boot/vmlinuz-*") + glob.glob(f"{state}/image/usr/lib/modules/*/vmlinuz")
        if not images:
            raise Unavailable(f"{suite}: the package holds no kernel image")
        release = re.sub(r".*/(?:vmlinuz-|modules/)|/vmlinuz$", "", images[0])
        for old in glob.glob(f"{folder}/vmlinuz-*"):
            os.unlink(old)
        shutil.copy(images[0], f"{folder}/vmlinuz-{release}")


def kernel_of(suite):
    """(path of the kernel image, its release). Raises Unavailable."""
    folder = f"{CACHE}/kernels/{suite}"
    os.makedirs(folder, exist_ok=True)
    kept = glob.glob(f"{folder}/vmlinuz-*")
    if not kept or time.time() - os.path.getmtime(kept[0]) > FRESH_SECONDS:
        try:
            fetch(suite, folder)
        except (Unavailable, subprocess.TimeoutExpired) as error:
            if not kept:
                raise Unavailable(f"{suite}: {error}") from error
    image = glob.glob(f"{folder}/vmlinuz-*")[0]
    return image, os.path.basename(image)[len("vmlinuz-"):]
