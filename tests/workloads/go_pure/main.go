// Two goroutines: main.fibonacci from main.main, and main.(*worker).spin; allocation keeps the collector (systemstack) busy.
package main

import (
	"os"
	"strconv"
	"time"
)

type worker struct {
	state uint64
	kept  [][]byte
}

//go:noinline
func (w *worker) spin() {
	for i := 0; i < 100000; i++ {
		w.state = w.state*6364136223846793005 + 1442695040888963407
	}
}

//go:noinline
func (w *worker) allocate() {
	w.kept = w.kept[:0]
	for i := 0; i < 200; i++ {
		w.kept = append(w.kept, make([]byte, 4096))
	}
}

//go:noinline
func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	go func() {
		w := &worker{}
		for {
			w.spin()
			w.allocate()
		}
	}()
	total := 0
	for time.Now().Before(end) {
		total += fibonacci(20)
	}
	if total == 1 {
		println(total)
	}
}
