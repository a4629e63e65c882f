/* main → interrupted, which raises a signal whose handler burns: the walk crosses the signal frame. */
#include <signal.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void burn_in_handler(void) { sink = burn_units(sink, 20) + 1; }
static void on_signal(int number) {
	burn_in_handler();
	sink += (uint64_t)number;
}
NOINLINE void interrupted(pid_t self) {
	/* A signal a thread sends itself is delivered before kill() returns. */
	kill(self, SIGUSR1);
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	const pid_t self = getpid();
	while (now_seconds() < end) interrupted(self);
	return 0;
}
