/* main → burn_among_mappings, in a process with a great many executable mappings. Usage: c_maps SECONDS COUNT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void burn_among_mappings(double end) {
	while (now_seconds() < end) sink = burn_units(sink, 20);
}

int main(int argc, char **argv) {
	const unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned long mapped = 0;
	/* The same page of the file every time: neighbours never continue each other, so the kernel merges none. */
	while (mapped < count && mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED) ++mapped;
	close(fd);
	printf("%lu mappings\n", mapped);
	burn_among_mappings(deadline_of(argc, argv));
	return 0;
}
