/* main → map_and_unmap: executable mappings made and dropped as fast as can be. */
#include <fcntl.h>
#include <sys/mman.h>

#include "burn.h"

NOINLINE void map_and_unmap(int fd, double end) {
	while (now_seconds() < end) {
		for (int i = 0; i < 100; ++i) {
			void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
			if (at != MAP_FAILED) munmap(at, 4096);
		}
	}
}

int main(int argc, char **argv) {
	map_and_unmap(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), deadline_of(argc, argv));
	return 0;
}
