#!/usr/bin/env python3
"""Builds and runs the libFuzzer targets, as many at a time as there are CPUs.

Usage: tools/fuzz.py [--seconds N] [NAME...]

NAME picks targets whose name contains it. Inputs found live on in build-fuzz/corpus/TARGET; what breaks a target is
left in build-fuzz/found/ and named. Closes with "N passed, N failed, N skipped".
"""
import argparse
import concurrent.futures
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = f"{ROOT}/build-fuzz"


def fuzz(target, seconds):
    """(target, ok, the end of its output)"""
    name = os.path.basename(target)
    corpus, found = f"{BUILD}/corpus/{name}", f"{BUILD}/found/{name}-"
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(os.path.dirname(found), exist_ok=True)
    seeds = [path for path in [f"{ROOT}/fuzz/seeds/{name}", f"{BUILD}/seeds/{name}"] if os.path.isdir(path)]
    # A single input over 5 s or over 2 GiB is a bug too: the agent's time and memory are bounded.
    command = [target, f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={found}", corpus, *seeds]
    child = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace", timeout=seconds + 300)
    return name, child.returncode == 0, child.stdout


def main():
    parser = argparse.ArgumentParser(description="run the fuzz targets")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if subprocess.run([f"{ROOT}/tools/build.sh", "fuzz"]).returncode != 0:
        print("0 passed, 1 failed, 0 skipped")
        return 1
    targets = [path for path in sorted(glob.glob(f"{BUILD}/fuzz/*_fuzz"))
               if not arguments.names or any(name in os.path.basename(path) for name in arguments.names)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, ok, output in pool.map(lambda target: fuzz(target, arguments.seconds), targets):
            executed = output.rpartition("number_of_executed_units:")[2].split()[:1]
            print(f"{'PASS' if ok else 'FAIL'} fuzz {name} ({(executed or ['?'])[0]} inputs)")
            if not ok:
                failed += 1
                print(output[-6000:])
    print(f"{len(targets) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not targets else 0


if __name__ == "__main__":
    sys.exit(main())
