/* main → chain_1 → … → chain_10, each a real call that returns and then adds something. */
#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t chain_10(uint64_t seed) { return burn_units(seed, 20) + 10; }
#define LINK(n, next)                                    \
	NOINLINE uint64_t chain_##n(uint64_t seed) {     \
		uint64_t mine[4] = {seed, n, seed ^ n};  \
		__asm__ volatile("" : : "r"(mine) : "memory"); \
		return chain_##next(mine[0]) + mine[1];  \
	}
LINK(9, 10)
LINK(8, 9)
LINK(7, 8)
LINK(6, 7)
LINK(5, 6)
LINK(4, 5)
LINK(3, 4)
LINK(2, 3)
LINK(1, 2)

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	while (now_seconds() < end) sink = chain_1(sink);
	return 0;
}
