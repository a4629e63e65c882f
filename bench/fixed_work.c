/* A fixed amount of work in a stack ten deep; prints the CPU nanoseconds it took. Usage: fixed_work UNITS */
#include <stdio.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t descend(unsigned depth, unsigned units) {
	return depth == 0 ? burn_units(sink, units) + 1 : descend(depth - 1, units) * 3 + sink;
}

int main(int argc, char **argv) {
	const unsigned units = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	struct timespec used;
	for (unsigned i = 0; i < units; i += 10) sink = descend(10, 10);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	printf("%lld\n", (long long)used.tv_sec * 1000000000 + used.tv_nsec);
	return 0;
}
