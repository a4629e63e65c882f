/* The library that c_dlopen opens. */
#include "burn.h"

NOINLINE static uint64_t plugin_inner(uint64_t seed) { return burn_units(seed, 20) + 1; }
uint64_t plugin_outer(uint64_t seed) { return plugin_inner(seed) + 2; }
