/* main → call_plugin → plugin_outer → plugin_inner, in a library opened (and closed) again and again at run time. */
#include <dlfcn.h>
#include <stdio.h>

#include "burn.h"

static volatile uint64_t sink;

NOINLINE uint64_t call_plugin(uint64_t (*outer)(uint64_t)) { return outer(sink) + 1; }

int main(int argc, char **argv) {
	const double end = deadline_of(argc, argv);
	const char *path = argc > 2 ? argv[2] : "libplugin.so";
	while (now_seconds() < end) {
		void *library = dlopen(path, RTLD_NOW);
		if (library == NULL) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		uint64_t (*outer)(uint64_t) = (uint64_t(*)(uint64_t))dlsym(library, "plugin_outer");
		for (int i = 0; i < 500; ++i) sink = call_plugin(outer);
		dlclose(library);
	}
	return 0;
}
