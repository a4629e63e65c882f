/* main → call_jit → jit_outer → jit_inner, the code written to a memfd through one mapping and run through another. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

/* As in c_jit.c. */
static const unsigned char kInner[] = {0x55, 0x48, 0x89, 0xe5, 0xb8, 0x40, 0x42, 0x0f, 0x00,
				       0xff, 0xc8, 0x75, 0xfc, 0x5d, 0xc3};
static const unsigned char kOuter[] = {0x55, 0x48, 0x89, 0xe5, 0xe8, 0xb7, 0xff, 0xff, 0xff, 0x5d, 0xc3};

NOINLINE void call_jit(void (*code)(void)) {
	code();
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	const int fd = memfd_create("generated code", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 4096) != 0) return 1;
	unsigned char *writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (writable == MAP_FAILED || code == MAP_FAILED) return 1;
	memcpy(writable, kInner, sizeof(kInner));
	memcpy(writable + 64, kOuter, sizeof(kOuter));
	char path[64];
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "we");
	if (map == NULL) return 1;
	fprintf(map, "%lx %zx jit_inner\n%lx %zx jit_outer\n", (unsigned long)code, sizeof(kInner), (unsigned long)code + 64,
		sizeof(kOuter));
	fclose(map);
	while (now_seconds() < end) call_jit((void (*)(void))(code + 64));
	unlink(path);
	return 0;
}
