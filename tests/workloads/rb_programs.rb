# What programs do, in turns of the same length: middleware 100 deep, methods made at run time, refinements, Comparable and
# Enumerable, exceptions, garbage, fibers, threads, ractors, chains of super, much C. Usage: rb_programs.rb SECONDS PART...
MONO = Process::CLOCK_MONOTONIC
def now = Process.clock_gettime(MONO)

def burn(n = 300)
  x = n
  i = 0
  while i < n
    x = (x * 1103515245 + 12345) & 0x7fffffff
    i += 1
  end
  x
end

# Rails-like middleware, 300 deep, with keyword, splat and block forwarding
class Middleware
  def initialize(app, n) = (@app, @n = app, n)
  def call(env, *rest, key: 1, **opts, &blk)
    case @n % 5
    when 0 then instrument("x") { @app.call(env, *rest, key: key, **opts, &blk) }
    when 1 then begin; @app.call(env, *rest, key: key, **opts, &blk); ensure; env[:n] = @n; end
    when 2 then @app.public_send(:call, env, *rest, key: key, **opts, &blk)
    when 3 then [1].map { |_| @app.call(env, *rest, key: key, **opts, &blk) }.first
    else @app.method(:call).to_proc.call(env, *rest, key: key, **opts, &blk)
    end
  end
  def instrument(name) = yield
end
class Endpoint
  def call(env, *rest, key:, **opts, &blk) = blk.call(env)
end
STACK = (1..100).inject(Endpoint.new) { |app, n| Middleware.new(app, n) }
def part_deep(stop)
  STACK.call({}, 1, 2, key: 3, other: 4) { |env| burn while now < stop }
end

# define_method, method_missing, respond_to, send
class Dynamic
  %w[alpha beta].each { |n| define_method("dyn_#{n}") { |stop, &b| b ? b.call : burn_till(stop) } }
  def burn_till(stop) = (burn while now < stop)
  def method_missing(name, *args, &blk)
    return super unless name.start_with?("ghost_")
    dyn_alpha(*args) { burn_till(args[0]) }
  end
  def respond_to_missing?(*) = true
end
def part_dynamic(stop)
  Dynamic.new.ghost_call(stop)
end

# refinements
module StringBurn
  refine String do
    def burn_refined(stop) = (burn while now < stop)
  end
end
using StringBurn
def part_refined(stop)
  "text".burn_refined(stop)
end

# Comparable and Enumerable
class Version
  include Comparable
  attr_reader :n
  def initialize(n) = @n = n
  def <=>(other)
    burn(80)
    n <=> other.n
  end
end
class Bag
  include Enumerable
  def initialize(*l) = @l = l
  def each(&b) = @l.each(&b)
end
def part_comparable(stop)
  list = (1..20).map { |i| Version.new((i * 7919) % 101) }
  while now < stop
    list.sort
    list.max
    20.times { list[0] < list[1] }
    list[3].clamp(list[4], list[5]) if list[4] <= list[5]
  end
end
def part_enumerable(stop)
  bag = Bag.new(*1..30)
  while now < stop
    bag.each_slice(3).map { |s| s.sum { |v| burn(60) + v } }
    bag.inject { |a, v| a + burn(60) + v }
    bag.group_by { |v| burn(40) & 3 }.transform_values { |l| l.min_by { |v| burn(40) } }
    bag.lazy.map { |v| burn(40) + v }.select(&:even?).first(4)
    bag.each_with_object([]).with_index { |(v, acc), i| acc << burn(40) }
    { a: 1, b: 2 }.each_pair { |k, v| burn(60) }
    5.downto(1) { burn(50) }
    1.step(9, 3) { burn(50) }
    "a,b,c".split(",").each_with_index { |s, i| burn(50) }
    [3, 1, 2].sort { |a, b| burn(50); a <=> b }
    Hash.new { |h, k| h[k] = burn(80) }[1]
    loop { burn(50); break }
    "hello".each_char.with_index { |c, i| burn(30) }
  end
end

# exceptions
class Boom < StandardError; end
def raise_at(n)
  raise Boom, "x" if n == 0
  raise_at(n - 1)
ensure
  burn(20)
end
def part_exceptions(stop)
  while now < stop
    begin
      raise_at(12)
    rescue Boom => e
      burn(200)
      begin
        e.full_message(highlight: false)
        Integer("zz")
      rescue ArgumentError
        burn(100)
      end
    end
    catch(:done) { 3.times { |i| burn(60); throw :done if i == 1 } }
    [1, 2, 3].each { |v| break v if v == 2 && burn(60) }
  end
end

# GC pressure
Point = Struct.new(:x, :y)
def part_gc(stop)
  keep = []
  while now < stop
    500.times { |i| keep << Point.new(i, "s#{i}"); { i => [i, i.to_s] } }
    keep.clear if keep.size > 60_000
  end
end

# fibers, enumerators
def part_fibers(stop)
  fibers = (1..4).map { |n| Fiber.new { loop { inner_fiber(n); Fiber.yield } } }
  gen = Enumerator.new { |y| loop { burn(200); y << 1 } }
  while now < stop
    fibers.each(&:resume)
    gen.next
  end
end
def inner_fiber(n) = [n].each { |v| burn(300) }

# threads
def part_threads(stop)
  q = Queue.new
  m = Mutex.new
  ts = (1..4).map { |n| Thread.new { thread_body(stop, q, m, n) } }
  q.pop while ts.any?(&:alive?) && !(q.empty? && ts.none?(&:alive?)) && now < stop
  ts.each(&:join)
end
def thread_body(stop, q, m, n)
  while now < stop
    m.synchronize { burn(2000) }
    q << n
    burn(2000)
  end
end

# ractors
def part_ractors(stop)
  rs = (1..2).map { |n| Ractor.new(stop, n) { |s, k| ractor_body(s, k) } }
  rs.each { |r| r.respond_to?(:value) ? r.value : r.take }
end
def ractor_body(stop, k)
  x = k
  [1].each { 400.times { |i| x = (x * 1103515245 + i) & 0x7fffffff } while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop }
end

# instance_eval/class_eval/instance_exec, Module hooks, super chains, prepend, alias, curry, composed procs
module Pre; def hop(stop) = super; end
class Base; def hop(stop) = instance_exec(stop) { |s| go(s) }; def go(s) = (burn while now < s); end
class Mid < Base; prepend Pre; def hop(stop) = super(stop); end
class Leaf < Mid; def hop(stop) = super; alias_method :skip, :hop; end
def part_super(stop)
  f = ->(o) { o.skip(stop) } << ->(c) { c.new }
  f.call(Leaf)
end

# strings, regexps, hashes: mostly C
def part_cfuncs(stop)
  while now < stop
    s = (1..200).map { |i| "item #{i * 7919 % 1009}" }.sort.join(",")
    s.scan(/\d+/).map(&:to_i).tally.sort_by { |k, v| [-v, k] }.to_h.inspect.hash
    s.gsub(/item (\d)/) { $1 }.unpack("C*").pack("C*").encode("UTF-16LE")
    Marshal.load(Marshal.dump([s, { a: [1, 2.5, nil] }]))
  end
end

seconds, *parts = ARGV
parts = %w[deep dynamic refined comparable enumerable exceptions gc fibers threads ractors super cfuncs] if parts.empty?
stop_all = now + seconds.to_f
while now < stop_all
  parts.each { |p| send("part_#{p}", [now + 0.1, stop_all].min) }
end
