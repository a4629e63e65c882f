/* main → short_life: lives for a given time, 50 ms unless told. */
#include "burn.h"

static volatile uint64_t sink;

NOINLINE void short_life(double end) {
	while (now_seconds() < end) sink = burn_units(sink, 5);
}

int main(int argc, char **argv) {
	(void)argc;
	short_life(now_seconds() + (argv[1] != NULL ? atof(argv[1]) : 0.05));
	return 0;
}
