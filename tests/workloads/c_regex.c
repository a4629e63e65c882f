/* A PCRE2 inside the program: patterns it compiled run on the machine's stack and on one of their own. Usage: c_regex SECONDS */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char text[6000];
static unsigned found;

static __attribute__((noinline)) void match(pcre2_code *code, pcre2_match_data *data, pcre2_match_context *context)
{
	found += (unsigned)pcre2_match(code, (PCRE2_SPTR)text, sizeof(text), 0, 0, data, context) & 1;
}

__attribute__((noinline)) void on_machine_stack(pcre2_code *code, pcre2_match_data *data)
{
	match(code, data, NULL);
	found++; /* no tail call */
}

__attribute__((noinline)) void on_own_stack(pcre2_code *code, pcre2_match_data *data, pcre2_match_context *context)
{
	match(code, data, context);
	found++;
}

int main(int argc, char **argv)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR) "(?:[a-m]+x|[n-w]+y)z", PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	struct timespec now;

	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	pcre2_jit_stack_assign(context, NULL, pcre2_jit_stack_create(32 * 1024, 512 * 1024, NULL));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abcmnoprswuvkkltsx"[i % 18];
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (time_t end = now.tv_sec + atoi(argv[argc > 1]); now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now)) {
		on_machine_stack(code, data);
		on_own_stack(code, data, context);
	}
	return (int)(found & 0x80000000);
}
