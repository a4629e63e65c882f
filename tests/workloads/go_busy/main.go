// 200 goroutines that hand work on through channels, make system calls, allocate for the collector, recurse and panic.
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

var sink uint64

//go:noinline
func compute(seed uint64) uint64 {
	for i := 0; i < 20000; i++ {
		seed = seed*6364136223846793005 + 1442695040888963407
	}
	return seed
}

//go:noinline
func callsTheKernel(fd int) {
	var buffer [4096]byte
	for i := 0; i < 20; i++ {
		syscall.Read(fd, buffer[:])
	}
}

//go:noinline
func allocates() map[int][]byte {
	kept := map[int][]byte{}
	for i := 0; i < 50; i++ {
		kept[i] = make([]byte, 2048)
	}
	return kept
}

//go:noinline
func recovers(depth int) (result int) {
	defer func() {
		if recover() != nil {
			result = depth
		}
	}()
	return deep(depth)
}

//go:noinline
func deep(depth int) int {
	if depth == 0 {
		panic("as meant")
	}
	return deep(depth-1) + 1
}

func worker(in, out chan uint64, fd int) {
	for seed := range in {
		seed = compute(seed)
		callsTheKernel(fd)
		seed += uint64(len(allocates()) + recovers(30))
		out <- seed
	}
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	fd, _ := syscall.Open("/dev/zero", syscall.O_RDONLY, 0)
	in, out := make(chan uint64, 100), make(chan uint64, 100)
	for i := 0; i < 200; i++ {
		go worker(in, out, fd)
		in <- uint64(i)
	}
	for time.Now().Before(end) {
		in <- <-out
	}
}
