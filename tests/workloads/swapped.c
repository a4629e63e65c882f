/* The libraries that c_swap opens: built with -DNAME(x)=even_##x, and odd_##x. */
#include "burn.h"

NOINLINE static uint64_t NAME(inner)(uint64_t seed) { return burn_units(seed, 500) + 1; }
uint64_t NAME(outer)(uint64_t seed) { return NAME(inner)(seed) + 2; }
