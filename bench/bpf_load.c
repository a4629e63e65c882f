/*
 * What the kernel needs to accept each program of a BPF object: instructions, instructions the verifier walked through,
 * and its time. Usage: bpf_load OBJECT. One line a program: NAME INSTRUCTIONS VERIFIED MICROSECONDS; then
 * "object OPEN_US LOAD_US".
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_STATS 4 /* BPF_LOG_STATS of include/linux/bpf_verifier.h: the closing lines only */
#define MAX_PROGRAMS 64

static long long now_us(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long number_after(const char *text, const char *word) {
	const char *at = strstr(text, word);
	return at ? strtol(at + strlen(word), NULL, 10) : -1;
}

int main(int argc, char **argv) {
	static char logs[MAX_PROGRAMS][16384];
	const struct bpf_program *programs[MAX_PROGRAMS];
	struct bpf_program *program;
	int count = 0;

	if (argc != 2) return 2;
	const long long start = now_us();
	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	if (!object) return 1;
	bpf_object__for_each_program(program, object) {
		if (count == MAX_PROGRAMS) break;
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, logs[count], sizeof(logs[count]));
		programs[count++] = program;
	}
	const long long opened = now_us();
	if (bpf_object__load(object) != 0) return 1;
	const long long loaded = now_us();
	for (int i = 0; i < count; i++) {
		printf("%s %zu %ld %ld\n", bpf_program__name(programs[i]), bpf_program__insn_cnt(programs[i]),
		       number_after(logs[i], "processed "), number_after(logs[i], "verification time "));
	}
	printf("object %lld %lld\n", opened - start, loaded - opened);
	bpf_object__close(object);
	return 0;
}
