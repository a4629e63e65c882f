/* main → call_even → even_outer → even_inner and main → call_odd → odd_outer → odd_inner: two libraries of one size,
 * opened and closed in turn, so that they lie at the same address. Usage: c_swap SECONDS EVEN.so ODD.so */
#include <dlfcn.h>
#include <stdio.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE void call_even(uint64_t (*outer)(uint64_t)) { sink = outer(sink) + 1; }
NOINLINE void call_odd(uint64_t (*outer)(uint64_t)) { sink = outer(sink) + 2; }

static void visit(const char *path, const char *name, void (*call)(uint64_t (*)(uint64_t))) {
	void *library = dlopen(path, RTLD_NOW);
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	call((uint64_t(*)(uint64_t))dlsym(library, name));
	dlclose(library);
}

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	if (argc < 4) return 1;
	while (now_seconds() < end) {
		visit(argv[2], "even_outer", call_even);
		visit(argv[3], "odd_outer", call_odd);
	}
	return 0;
}
