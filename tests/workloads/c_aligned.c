/* main → aligned_outer → aligned_inner → burn_aligned with locals aligned beyond the ABI's 16 bytes: the compiler
 * realigns the stack and the frame's CFA is an expression over a saved pointer (DRAP). */
#include <string.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t burn_aligned(const unsigned char *bytes) { return burn_units(bytes[sink & 63], 20); }

NOINLINE uint64_t aligned_inner(unsigned count, const unsigned char *from) {
	_Alignas(64) unsigned char fixed[128];
	unsigned char flexible[count];
	memcpy(fixed, from, sizeof(fixed));
	memset(flexible, fixed[0], count);
	__asm__ volatile("" : : "r"(flexible), "r"(fixed) : "memory");
	return burn_aligned(fixed) + flexible[count - 1];
}

NOINLINE uint64_t aligned_outer(unsigned count, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
	_Alignas(128) unsigned char fixed[256];
	memset(fixed, (int)(a + b + c + d + e + f), sizeof(fixed));
	__asm__ volatile("" : : "r"(fixed) : "memory");
	return aligned_inner(count, fixed) + fixed[3];
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	for (unsigned i = 0; now_seconds() < end; ++i) sink = aligned_outer(100 + i % 300, i, 2, 3, 4, 5, 6);
	return 0;
}
