#!/usr/bin/env bash
# What `make` can do, for someone who has just cloned this.
cat <<'TEXT'
gprofiler: see where this host's CPU time goes.

  sudo make profile      set up, profile this host for 30 s, name the flame graph to open
  sudo make test         set up, run the tests of every day (up to 10 minutes on 2 cores)

Building
  make build             release binary at build/gprofiler
  make deps              install what is missing for all of the below; asks nothing
  make clean             remove all build folders

Testing (scenarios need root: they run the real profiler in the kernel)
  make test              unit, walker and golden tests, command line, short scenarios
  make test-full         the same under sanitizers, every scenario, fuzzing, other kernels (up to 40 minutes)
  make test-matrix       every runtime in every version that Debian's suites have; prints a table
  make test-kernel       boot Debian's kernels in QEMU and profile in there
  make soak              10,000 misbehaving children: what is left afterwards? (S=SECONDS: for so long)
  make fuzz T=elf S=60   one fuzz target (all without T) for S seconds each
  make bench             cost per sample and memory, beside perf; prints a table (QUICK=1: two minutes)
  make lint              format, clang-tidy, layers, shell, sources

One case at a time
  tests/scenario/run.py --list             names of the scenario cases
  tests/scenario/run.py c_chain -v         one of them, showing its stacks
  ctest --test-dir build-dev -R elf        unit tests by name (cmake --preset dev && cmake --build build-dev)

Where things are: docs/architecture.md. How tests work: docs/testing.md. Why each dependency: docs/dependencies.md.
TEXT
