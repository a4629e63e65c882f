# A thread with a name, tracing switched on, an ensure on the way out of an exception, and a block of at_exit: in turns of the
# same length. Usage: rb_states.rb SECONDS
def burn(seconds)
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

def traced(seconds)
  stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  TracePoint.new(:call, :c_call, :line) { |t| t.lineno }.enable do
    3.times { [3, 1, 2].each { |v| v.to_s } } while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
  end
end

def hooked(seconds)
  hook = TracePoint.new(:call) { burn(seconds) }
  hook.enable { called }
end

def called
  1
end

def named(seconds)
  Thread.new { Thread.current.name = "worker of mine"; burn(seconds) }.join
end

def leaving(seconds)
  raise "expected"
rescue RuntimeError
  seconds
ensure
  burn(seconds)
end

seconds = ARGV[0].to_f
at_exit { burn(seconds / 4) }
stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds / 2
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
  traced(0.05)
  hooked(0.05)
  named(0.05)
  leaving(0.05)
end
