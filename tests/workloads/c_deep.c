/* main → recurse × DEPTH → at_the_bottom. Usage: c_deep SECONDS DEPTH */
#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t at_the_bottom(double end) {
	uint64_t seed = 1;
	while (now_seconds() < end) seed = burn_units(seed, 20);
	return seed;
}

NOINLINE uint64_t recurse(unsigned depth, double end) {
	return (depth <= 1 ? at_the_bottom(end) : recurse(depth - 1, end)) * 3 + sink;
}

int main(int argc, char **argv) {
	sink = recurse(argc > 2 ? (unsigned)atoi(argv[2]) : 10, deadline_of(argc, argv));
	return 0;
}
