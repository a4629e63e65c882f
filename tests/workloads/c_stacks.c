/* main → walk → one of 16 functions → one of 16 … 64 deep, by chance: hardly a stack comes twice, so a profile of it grows. */
#include "burn.h"

#define DEPTH 64
#define FUNCTIONS 16

static volatile uint64_t sink;
static uint64_t random_state = 88172645463325252ull;

static unsigned next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 32);
}

static void walk(int depth);

#define STEP(n) \
	NOINLINE void step_##n(int depth) { walk(depth + 1); sink += n; }
STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
STEP(8) STEP(9) STEP(10) STEP(11) STEP(12) STEP(13) STEP(14) STEP(15)

static void (*const steps[FUNCTIONS])(int) = {step_0, step_1, step_2, step_3, step_4, step_5, step_6, step_7,
					      step_8, step_9, step_10, step_11, step_12, step_13, step_14, step_15};

NOINLINE void walk(int depth)
{
	if (depth == DEPTH)
		sink = burn_units(sink, 20);
	else
		steps[next_random() % FUNCTIONS](depth);
	sink += 1;
}

int main(int argc, char **argv)
{
	double end = now_seconds() + (argc > 1 ? atof(argv[1]) : 5);

	while (now_seconds() < end) walk(0);
	return 0;
}
