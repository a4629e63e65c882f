/* main → system_calls → read of 1 MiB from /dev/zero: nearly all time is in the kernel. */
#include <fcntl.h>
#include <unistd.h>

#include "burn.h"

static char buffer[1 << 20];

NOINLINE long system_calls(int fd) { return read(fd, buffer, sizeof(buffer)) + 1; }

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	long total = 0;
	while (now_seconds() < end) total += system_calls(fd);
	return total == 0;
}
