/* A parent that starts children who burn, and kills each after a few milliseconds at no particular moment. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void burn_until_killed(void) {
	for (;;) sink = burn_units(sink, 5);
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	for (unsigned i = 0; now_seconds() < end; ++i) {
		const pid_t child = fork();
		if (child == 0) burn_until_killed();
		usleep(500 + i * 7919 % 20000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}
