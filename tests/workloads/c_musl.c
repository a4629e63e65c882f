/* Everything in the C library: copies, allocations, sorting with a callback, printing, system calls; in two threads. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burn.h"

static double end;
static volatile uint64_t sink;

NOINLINE void copy(void) {
	static char from[1 << 16], to[1 << 16];

	for (int i = 0; i < 60; i++) {
		memcpy(to, from, sizeof(to));
		memmove(to + 1, to, sizeof(to) - 1);
		memset(from, i, sizeof(from));
	}
	sink += (uint64_t)to[sink & 0xffff] + strlen(strcpy(to, "some words that are not many"));
}

NOINLINE void allocate(void) {
	void *blocks[64];

	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 64; i++) blocks[i] = malloc((size_t)(i * 37 % 900 + 1));
		for (int i = 0; i < 64; i += 2) blocks[i] = realloc(blocks[i], 1000);
		for (int i = 0; i < 64; i++) free(blocks[i]);
	}
}

static int by_value(const void *a, const void *b) {
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

NOINLINE void sort(void) {
	int values[2000];

	for (int i = 0; i < 2000; i++) values[i] = (int)((unsigned)i * 2654435761u >> 8);
	qsort(values, 2000, sizeof(int), by_value);
	sink += (uint64_t)values[7];
}

NOINLINE void print(void) {
	char text[200];

	for (int i = 0; i < 1000; i++) {
		const int length = snprintf(text, sizeof(text), "%d %s %08x %.3f %lu", i, "word", i * 7, i / 3.0, (unsigned long)sink);

		sink += (uint64_t)strtol(text, 0, 10) + (uint64_t)length;
	}
}

NOINLINE void call_kernel(void) {
	char bytes[512];
	const int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY);

	for (int i = 0; i < 500; i++) {
		const ssize_t got = read(in, bytes, sizeof(bytes));

		if (got > 0 && write(out, bytes, (size_t)got) != got) break;
	}
	close(in);
	close(out);
}

NOINLINE void everything(void) {
	while (now_seconds() < end) {
		copy();
		allocate();
		sort();
		print();
		call_kernel();
	}
}

static void *thread_main(void *argument) {
	everything();
	return argument;
}

int main(int argc, char **argv) {
	pthread_t thread;

	end = deadline_of(argc, argv);
	if (pthread_create(&thread, 0, thread_main, 0) != 0) return 1;
	everything();
	pthread_join(thread, 0);
	return 0;
}
