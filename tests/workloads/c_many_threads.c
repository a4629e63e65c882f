/* 2,000 threads at a time: those of odd number in odd_work, the others in even_work, one unit each in turn. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

#include "burn.h"

enum { THREADS = 2000 };
static double end;

NOINLINE uint64_t odd_work(uint64_t seed) { return burn_units(seed, 20) + 1; }
NOINLINE uint64_t even_work(uint64_t seed) { return burn_units(seed, 20) + 2; }
static void *thread_body(void *number) {
	uint64_t seed = (uintptr_t)number;
	while (now_seconds() < end) seed = (uintptr_t)number % 2 ? odd_work(seed) : even_work(seed);
	return (void *)(uintptr_t)(seed == 0);
}

int main(int argc, char **argv) {
	end = deadline_of(argc, argv);
	static pthread_t threads[THREADS];
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	for (uintptr_t i = 0; i < THREADS; ++i) {
		if (pthread_create(&threads[i], &attributes, thread_body, (void *)i) != 0) return 1;
	}
	for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
	return 0;
}
