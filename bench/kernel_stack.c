/*
 * Runs kernel_stack.bpf.o on every CPU for a while and says what the kernel's own stack capture costs.
 * Usage: kernel_stack OBJECT HZ SECONDS. Prints: NANOSECONDS_IN_ALL RUNS KERNEL_MODE_RUNS.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CPUS 1024
#define STACK_WORDS 129 /* struct stack of kernel_stack.bpf.c: the count, then the frames */

static int attach(const struct bpf_program *program, int cpu, unsigned long long hz) {
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
	                               .sample_period = 1000000000ull / hz};
	const int event = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0) return -1;
	return bpf_program__attach_perf_event(program, event) ? 0 : -1;
}

static unsigned long long kernel_runs(const struct bpf_object *object, int cpus) {
	static unsigned long long values[MAX_CPUS][STACK_WORDS];
	const unsigned zero = 0;
	unsigned long long sum = 0;
	if (bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(object, "bench_stacks"), &zero, values) != 0) return 0;
	for (int i = 0; i < cpus; i++) sum += values[i][0];
	return sum;
}

int main(int argc, char **argv) {
	const int cpus = libbpf_num_possible_cpus();
	if (argc != 4 || cpus <= 0 || cpus > MAX_CPUS) return 2;
	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object) != 0) return 1;
	const struct bpf_program *program = bpf_object__find_program_by_name(object, "bench_kernel");
	int attached = 0;
	for (int cpu = 0; cpu < cpus; cpu++) attached += attach(program, cpu, strtoull(argv[2], NULL, 10)) == 0;
	if (attached == 0) return 1;
	usleep((useconds_t)(strtod(argv[3], NULL) * 1e6));
	struct bpf_prog_info info = {0};
	unsigned size = sizeof(info);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return 1;
	printf("%llu %llu %llu\n", info.run_time_ns, info.run_cnt, kernel_runs(object, cpus));
	return 0;
}
