/* main → parent_loop → vfork; the child burns on its parent's stack for 50 ms before it exits. */
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void child_burn(void) {
	const double end = now_seconds() + 0.05;
	while (now_seconds() < end) sink = burn_units(sink, 10);
}
NOINLINE void parent_burn(void) { sink = burn_units(sink, 1000); }

NOINLINE void parent_loop(double end) {
	while (now_seconds() < end) {
		const pid_t child = vfork();
		if (child == 0) {
			child_burn();
			_exit(0);
		}
		waitpid(child, NULL, 0);
		parent_burn();
	}
}

int main(int argc, char **argv) {
	parent_loop(deadline_of(argc, argv));
	return 0;
}
