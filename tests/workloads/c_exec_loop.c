/* main → between_execs, some milliseconds, then it execs itself, again and again. Usage: c_exec_loop SECONDS [END] */
#include <stdio.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void between_execs(void) { sink = burn_units(sink, 200) + 1; }

int main(int argc, char **argv) {
	const double end = argc > 2 ? atof(argv[2]) : deadline_of(argc, argv);
	char text[32];
	between_execs();
	if (now_seconds() > end) return 0;
	snprintf(text, sizeof(text), "%.3f", end);
	execl(argv[0], argv[0], argc > 1 ? argv[1] : "1", text, (char *)NULL);
	return 1;
}
