/* main → call_big → big_entry, in a binary of 300 MB (big.S). */
#include "burn.h"

extern void big_entry(void);
extern const uint64_t big_data[];

static volatile uint64_t sink;

NOINLINE void call_big(void) {
	big_entry();
	sink += big_data[sink % 1024];
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	while (now_seconds() < end) call_big();
	return 0;
}
