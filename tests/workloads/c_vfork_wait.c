/* Waits in state D, as the parent of a vfork does, for a child that sleeps. Usage: c_vfork_wait SECONDS */
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) static void wait_for_child(unsigned seconds) {
	if (vfork() == 0) {
		sleep(seconds);
		_exit(0);
	}
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv) {
	wait_for_child((unsigned)atoi(argc > 1 ? argv[1] : "5"));
	return 0;
}
