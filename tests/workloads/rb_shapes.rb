# Threads (one of them in C code that gives up the lock), fibers, an enumerator with a fiber of its own, deep recursion,
# names of other scripts, an eval, a forked child: in turns of the same length. Usage: rb_shapes.rb SECONDS PART...
require "zlib" if ARGV[1] == "threads"

def burn_for(seconds)
  stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  x = 1
  while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
    i = 0
    while i < 1000
      x = (x * 1103515245 + 12345) & 0x7fffffff
      i += 1
    end
  end
  x
end

def recurse(depth, seconds)
  return burn_for(seconds) if depth == 0
  recurse(depth - 1, seconds)
end

def größe_名前(seconds)
  burn_for(seconds)
end

def without_lock(seconds)
  data = "x" * 4_000_000
  stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  Zlib::Deflate.deflate(data, 9) while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
end

def in_fiber(seconds)
  fiber = Fiber.new { burn_for(seconds / 2); Fiber.yield; burn_for(seconds / 2) }
  fiber.resume
  fiber.resume
end

def in_enumerator(seconds)
  Enumerator.new { |y| loop { burn_for(seconds / 2); y << 1 } }.then { |e| e.next; e.next }
end

PARTS = {
  "threads" => ->(s) { [Thread.new { burn_for(s / 2) }, Thread.new { without_lock(s) }].each(&:join) },
  "fibers" => ->(s) { in_fiber(s / 2); in_enumerator(s / 2) },
  "deep" => ->(s) { recurse(400, s) },
  "names" => ->(s) { größe_名前(s) },
  "eval" => ->(s) { eval("burn_for(#{s})", binding, "evaluated.rb", 7) },
  "fork" => ->(s) { Process.wait(fork { burn_for(s) }) },
}.freeze

seconds, *parts = ARGV
ROUND = 0.4
(seconds.to_f / ROUND).ceil.times do
  parts.each { |part| PARTS.fetch(part).call(ROUND / parts.size) }
end
