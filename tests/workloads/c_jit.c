/* main → call_jit → jit_outer → jit_inner: code made at run time, named by /tmp/perf-PID.map as JIT compilers write it. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

/* jit_inner: push rbp; mov rbp,rsp; mov eax,1000000; loop: dec eax; jnz loop; pop rbp; ret */
static const unsigned char kInner[] = {0x55, 0x48, 0x89, 0xe5, 0xb8, 0x40, 0x42, 0x0f, 0x00,
				       0xff, 0xc8, 0x75, 0xfc, 0x5d, 0xc3};
/* jit_outer, 64 bytes after it: push rbp; mov rbp,rsp; call jit_inner; pop rbp; ret */
static const unsigned char kOuter[] = {0x55, 0x48, 0x89, 0xe5, 0xe8, 0xb7, 0xff, 0xff, 0xff, 0x5d, 0xc3};

NOINLINE void call_jit(void (*code)(void)) {
	code();
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED) return 1;
	memcpy(code, kInner, sizeof(kInner));
	memcpy(code + 64, kOuter, sizeof(kOuter));
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
