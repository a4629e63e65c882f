/* main → faults → (SIGSEGV in the middle of a function, without a call) → on_fault → burn_after_fault. The frame below
 * the handler was interrupted, not calling: its pc is not a return address, and its first instruction may be the one
 * that faulted. */
#include <setjmp.h>
#include <signal.h>

#include "burn.h"

static volatile uint64_t sink;
static sigjmp_buf back;

NOINLINE void burn_after_fault(void) { sink = burn_units(sink, 50) + 1; }
static void on_fault(int number) {
	burn_after_fault();
	siglongjmp(back, number);
}
/* Faults at its very first instruction: a lookup at pc - 1 would name the function before it. */
__asm__(".text\n.type first_instruction_faults, @function\n"
	"first_instruction_faults:\n.cfi_startproc\nmovl $0, 0\nret\n.cfi_endproc\n"
	".size first_instruction_faults, . - first_instruction_faults\n");
void first_instruction_faults(void);

NOINLINE void faults(void) {
	if (sigsetjmp(back, 1) == 0) first_instruction_faults();
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
	sigaction(SIGSEGV, &action, NULL);
	while (now_seconds() < end) faults();
	return 0;
}
