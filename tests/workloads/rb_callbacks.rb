# Ruby calls C calls Ruby: blocks through Array#each, sort_by and gsub; a method of each kind.
module Mixed
  def mixed_in(list, until_time)
    list.each { |n| burn(n) while Process.clock_gettime(Process::CLOCK_MONOTONIC) < until_time }
  end

  def burn(n)
    x = n
    i = 0
    while i < 2000
      x = (x * 1103515245 + 12345) & 0x7fffffff
      i += 1
    end
    x
  end
end

class Burner
  include Mixed

  class << self
    def from_class(burner, seconds)
      burner.by_each(seconds)
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def by_each(seconds)
    mixed_in([1], now + seconds)
  end

  def by_sort(seconds)
    stop = now + seconds
    [3, 1, 2].sort_by { |v| burn(v) } while now < stop
  end

  def by_gsub(seconds)
    stop = now + seconds
    "a-b".gsub(/-/) { |m| burn(1).to_s } while now < stop
  end

  define_method(:by_definition) do |seconds|
    stop = now + seconds
    burn(1) while now < stop
  end

  def by_rescue(seconds)
    stop = now + seconds
    begin
      raise "expected"
    rescue StandardError
      burn(1) while now < stop
    ensure
      stop = 0
    end
  end
end

def top_level(seconds)
  burner = Burner.new
  round = [seconds / 25.0, 0.2].min
  (seconds / round / 5).floor.times do
    Burner.from_class(burner, round)
    burner.by_sort(round)
    burner.by_gsub(round)
    burner.by_definition(round)
    burner.by_rescue(round)
  end
end

top_level(ARGV[0].to_f)
