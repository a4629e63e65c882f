# As work.py.
class Worker
  def unit(depth)
    return unit(depth - 1) + 1 if depth > 0
    count_words + sum_numbers
  end

  def count_words
    counts = Hash.new(0)
    300.times { |i| counts[(i * 7919 % 100).to_s] += 1 }
    counts.keys.sort.length
  end

  def sum_numbers
    total = 0
    4000.times { |i| total += i * i % 7 }
    total
  end
end

worker = Worker.new
$stdout.sync = true
puts "ready"
while (line = $stdin.gets)
  line.to_i.times { worker.unit(20) }
  puts "done"
end
