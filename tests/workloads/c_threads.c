/* Three named threads, each with a function of its own, burning at the same time: main waits. */
#define _GNU_SOURCE
#include <pthread.h>

#include "burn.h"

static double end;

#define THREAD(n)                                                       \
	NOINLINE uint64_t work_of_##n(void) {                           \
		uint64_t seed = 1;                                      \
		while (now_seconds() < end) seed = burn_units(seed, 20); \
		return seed;                                            \
	}                                                               \
	static void *thread_##n(void *unused) {                         \
		pthread_setname_np(pthread_self(), "worker-" #n);       \
		return (void *)(uintptr_t)(work_of_##n() + (unused != NULL)); \
	}
THREAD(one)
THREAD(two)
THREAD(three)

int main(int argc, char **argv) {
	end = deadline_of(argc, argv);
	void *(*const bodies[])(void *) = {thread_one, thread_two, thread_three};
	pthread_t threads[3];
	for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, bodies[i], NULL);
	for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
	return 0;
}
