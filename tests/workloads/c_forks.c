/* main → forks_without_end → short_child: one child of some milliseconds after the other, none of which execs. */
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void short_child(void) { sink = burn_units(sink, 100) + 1; }
NOINLINE void forks_without_end(double end) {
	while (now_seconds() < end) {
		const pid_t child = fork();
		if (child == 0) {
			short_child();
			_exit(0);
		}
		if (child > 0) waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv) {
	forks_without_end(deadline_of(argc, argv));
	return 0;
}
