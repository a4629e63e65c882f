# Two ractors, each with a lock of its own.
Warning[:experimental] = false

def spin(stop)
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

def first_job(stop)
  spin(stop)
end

def second_job(stop)
  spin(stop)
end

stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ARGV[0].to_f
jobs = [Ractor.new(stop) { |s| first_job(s) }, Ractor.new(stop) { |s| second_job(s) }]
jobs.each { |job| job.respond_to?(:value) ? job.value : job.take } # 3.5 and newer have no take
