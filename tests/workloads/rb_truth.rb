# Samples itself: at each SIGPROF that a child sends it writes down which of its methods are on the stack
# (Thread#backtrace), and in the end how often each was, into the file "truth". Usage: rb_truth.rb SECONDS
def spin(n)
  x = 1
  n.times { |i| x = (x * 1103515245 + i) & 0x7fffffff }
  x
end

def alpha
  [3, 1, 2].each { |v| spin(1200 * v) }
end

def beta
  (1..20).sort_by { |v| spin(240) + v }
end

def gamma
  ("a-b-" * 200).gsub(/-/) { |m| m + "+" }
end

def delta
  (1..300).map { |v| v.to_s.rjust(10).sub(/ +/, "") }.sort
end

NAMES = %w[alpha beta gamma delta spin].freeze
counts = Hash.new(0)
total = 0
trap("PROF") do
  labels = Thread.main.backtrace_locations.map(&:base_label)
  total += 1
  NAMES.each { |name| counts[name] += 1 if labels.include?(name) }
end

parent = $$
stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ARGV[0].to_f
ticker = fork do
  trap("PROF", "DEFAULT")
  loop do
    sleep 0.004
    Process.kill(:PROF, parent)
    exit! if Process.ppid != parent
  end
end
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
  alpha
  beta
  gamma
  delta
  # Killed with the case before its end most often, so told again and again.
  next unless total >= (counts[:written] || 0) + 100

  counts[:written] = total
  File.write("truth.new", NAMES.map { |name| "#{name} #{counts[name]} #{total}\n" }.join)
  File.rename("truth.new", "truth")
end
Process.kill(:KILL, ticker)
