/* main → call_truncated → code in a file that calls itself an ELF image and is not: its headers point past its end.
 * Usage: c_truncated SECONDS FILE; FILE is made here, and cut shorter still while it is mapped. */
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burn.h"

static volatile uint64_t sink;

/* push rbp; mov rbp,rsp; mov eax,1000000; loop: dec eax; jnz loop; pop rbp; ret */
static const unsigned char kCode[] = {0x55, 0x48, 0x89, 0xe5, 0xb8, 0x40, 0x42, 0x0f, 0x00,
				      0xff, 0xc8, 0x75, 0xfc, 0x5d, 0xc3};

NOINLINE void call_truncated(void (*code)(void)) {
	code();
	sink += 1;
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	ElfW(Ehdr) header = {.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT};
	memcpy(header.e_ident, ELFMAG "\2\1\1", 7);
	header.e_phoff = sizeof(header);
	header.e_phentsize = sizeof(ElfW(Phdr));
	header.e_phnum = 65535;
	header.e_shoff = 1ull << 62;
	header.e_shentsize = sizeof(ElfW(Shdr));
	header.e_shnum = 65535;
	header.e_shstrndx = 65534;
	const int fd = open(argc > 2 ? argv[2] : "truncated.so", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0 || ftruncate(fd, 65536) != 0) return 1;
	if (pwrite(fd, &header, sizeof(header), 0) < 0 || pwrite(fd, kCode, sizeof(kCode), 4096) < 0) return 1;
	unsigned char *mapped = mmap(NULL, 65536, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED) return 1;
	for (unsigned i = 0; now_seconds() < end; ++i) {
		call_truncated((void (*)(void))(mapped + 4096));
		/* Anyone who maps the whole file and trusts its size takes a SIGBUS now. */
		if (i == 500 && ftruncate(fd, 8192) != 0) return 1;
	}
	return 0;
}
