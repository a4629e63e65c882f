/* main → a function whose symbol the build renames to something with ; and spaces and escape codes. */
#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t odd_function(uint64_t seed) { return burn_units(seed, 20) + 1; }

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	while (now_seconds() < end) sink = odd_function(sink);
	return 0;
}
