/* Work that takes time without sleeping, and the clock that ends it. Everything here is inlined into the caller, so
 * that the functions of a workload are the only frames it shows. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

/* One unit is a chain of dependent multiplications: some 20 microseconds on average, the same for every caller. How long
 * each call takes varies from half to one and a half of that, by steps of the golden ratio, which spread evenly: a loop
 * of a fixed length close to the sampling period would be sampled in the same place again and again. */
static inline __attribute__((always_inline)) uint64_t burn_units(uint64_t seed, unsigned units) {
	static unsigned varied;

	varied = (varied + 10125u) % 16384u;
	for (unsigned i = 0, end = units * (8192u + varied); i < end; ++i) {
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
