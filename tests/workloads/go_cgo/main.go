// main.main → main.goOuter → (cgo, onto the system stack) → c_outer → c_inner.
package main

/*
#include <stdint.h>
static uint64_t __attribute__((noinline)) c_inner(uint64_t seed) {
	for (unsigned i = 0; i < 2000000; ++i) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(seed));
	}
	return seed;
}
static uint64_t __attribute__((noinline)) c_outer(uint64_t seed) { return c_inner(seed) + 1; }
*/
import "C"

import (
	"os"
	"strconv"
	"time"
)

//go:noinline
func goOuter(seed uint64) uint64 {
	return uint64(C.c_outer(C.uint64_t(seed))) + 1
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var seed uint64
	for time.Now().Before(end) {
		seed = goOuter(seed)
	}
	if seed == 1 {
		println(seed)
	}
}
