/*
 * main → BURN, some milliseconds, then it execs another build of itself, which has a function of another name at the same
 * address, and so on. Usage: c_exec_each_other SECONDS OTHER [END]
 */
#include <stdio.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void BURN(void) { sink = burn_units(sink, 60) + 1; }

int main(int argc, char **argv) {
	const double end = argc > 3 ? atof(argv[3]) : deadline_of(argc, argv);
	char text[32];
	BURN();
	if (argc < 3 || now_seconds() > end) return 0;
	snprintf(text, sizeof(text), "%.3f", end);
	execl(argv[2], argv[2], argv[1], argv[0], text, (char *)NULL);
	return 1;
}
