# Most of its time in the garbage collector.
kept = Array.new(400_000) { |i| [i.to_s] }
stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ARGV[0].to_f

def collect_now
  GC.start
end

collect_now while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
kept.size
