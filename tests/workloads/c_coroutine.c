/* main → resume, which switches to another stack: coroutine_body → coroutine_burn → burn_on_other_stack, and back. */
#include <ucontext.h>

#include "burn.h"

static volatile uint64_t sink;
static ucontext_t caller, coroutine;
static double end;

NOINLINE void burn_on_other_stack(void) { sink = burn_units(sink, 20) + 1; }
NOINLINE void coroutine_burn(void) {
	burn_on_other_stack();
	sink += 1;
}
static void coroutine_body(void) {
	while (1) {
		coroutine_burn();
		swapcontext(&coroutine, &caller);
	}
}
NOINLINE void resume(void) {
	swapcontext(&caller, &coroutine);
	sink = burn_units(sink, 20) + 1;
}

int main(int argc, char **argv) {
	end = deadline_of(argc, argv);
	static char stack[65536];
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof(stack);
	makecontext(&coroutine, coroutine_body, 0);
	while (now_seconds() < end) resume();
	return 0;
}
