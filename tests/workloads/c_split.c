/* Two functions that do the same work in turns of random length, one 30 % of it and the other 70 %. The turns are
 * jittered so that no sampling period can fall in step with them. */
#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t burn_thirty(uint64_t seed, unsigned units) { return burn_units(seed, units) + 1; }
NOINLINE uint64_t burn_seventy(uint64_t seed, unsigned units) { return burn_units(seed, units) + 2; }

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	uint64_t random = 88172645463325252u;
	while (now_seconds() < end) {
		for (int turn = 0; turn < 64; ++turn) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17; /* xorshift64 */
			const unsigned length = 1 + random % 7;
			sink = burn_thirty(sink, 3 * length);
			sink = burn_seventy(sink, 7 * length);
		}
	}
	return 0;
}
