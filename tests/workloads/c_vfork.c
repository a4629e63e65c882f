/* main → parent_loop → vfork; the child burns on its parent's stack, half as much
 * as the parent afterwards. */
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void child_burn(void) { sink = burn_units(sink, 500); }
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
