/* Work that takes time without sleeping, and the clock that ends it. Everything here is inlined into the caller, so
 * that the functions of a workload are the only frames it shows. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

/* One unit is a chain of dependent multiplications: some 20 microseconds, the same for every caller. */
static inline __attribute__((always_inline)) uint64_t burn_units(uint64_t seed, unsigned units) {
	for (unsigned i = 0; i < units * 16384u; ++i) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(seed));
	}
	return seed;
}

static inline double now_seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* When to stop: the first argument is a number of seconds. */
static inline double deadline_of(int argc, char **argv) { return now_seconds() + (argc > 1 ? atof(argv[1]) : 1.0); }
