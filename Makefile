# One entry for everything; the logic is in tools/. `make help` teaches.
.DEFAULT_GOAL := help
.PHONY: help deps build profile test test-full test-matrix test-kernel soak lint bench fuzz format clean

help:
	@tools/help.sh

deps:
	@tools/deps.sh all

build:
	@tools/deps.sh build
	@tools/build.sh release

profile: build
	@tools/profile.sh

test:
	@tools/deps.sh build test matrix
	@tools/suite.py test

test-full:
	@tools/deps.sh build test matrix kernel
	@tools/suite.py test-full

test-matrix:
	@tools/deps.sh build test matrix
	@tools/suite.py release matrix

test-kernel:
	@tools/deps.sh build test kernel
	@tools/suite.py kernel

# S=SECONDS goes on for so long; else 10,000 children, a minute or two.
soak:
	@tools/deps.sh build test
	@tests/fault/soak.sh $(if $(S),--seconds $(S))

lint:
	@tools/deps.sh build lint
	@tools/suite.py lint

# T=NAME picks one target, S=SECONDS the time each gets.
fuzz:
	@tools/deps.sh build test
	@tools/fuzz.py --seconds $(or $(S),60) $(T)

# QUICK=1: one round, about two minutes.
bench:
	@tools/deps.sh build test
	@tools/build.sh bench
	@bench/run.py $(if $(QUICK),--quick)

format:
	@tools/deps.sh lint
	@tools/format.sh --write

clean:
	rm -rf build build-dev build-asan build-tsan build-fuzz
