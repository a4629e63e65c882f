/* main → interrupted, whose signal is handled on another stack: the walk goes from that back to the first one. */
#define _GNU_SOURCE
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
	kill(self, SIGUSR1);
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	const stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
	sigaltstack(&other, NULL);
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR1, &action, NULL);
	const pid_t self = getpid();
	while (now_seconds() < end) interrupted(self);
	return 0;
}
