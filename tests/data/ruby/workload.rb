# encoding: utf-8
# Stops itself deep in a stack whose shape is known, after telling the stack as Ruby sees it: methods of classes,
# modules and single objects, blocks in C functions, define_method, rescue and ensure, code from strings, names outside
# ASCII, names and tables longer than a record holds, a recursion. With "thread" in a thread, with "fiber" in a fiber.
def tell_and_stop
  caller_locations(0).each { |l| puts "frame\t#{l.lineno}\t#{l.path}\t#{l.label}" }.then { $stdout.flush; Process.kill(:STOP, $$) }; sleep
end

def recurse(depth)
  return tell_and_stop if depth == 0
  recurse(depth - 1)
end

LONG_NAME = "long_" + "x" * 600
eval <<~CODE, binding, "string.rb", 1
  def #{LONG_NAME}
    recurse(20)
  end

  def many_lines(x = 0)
  #{"  x = [x, 1][1]\n" * 1500}
    #{LONG_NAME}
  end
CODE

module Shared
  def in_module
    [1].each { |_| many_lines }
  end
end

module Tools
  module_function

  def helper
    Outer::Inner.new.send(:in_module)
  end
end

class Outer
  class Inner
    include Shared
  end

  define_method(:defined_by_block) { Tools.helper }

  def self.größe
    new.defined_by_block
  end

  def rescued
    raise "expected"
  rescue StandardError
    begin
      1
    ensure
      Outer.größe
    end
  end
end

single = Object.new
def single.own_method
  "a-b".gsub(/-/) { Outer.new.rescued }
end

class Anonymous
  ANONYMOUS = Class.new { def nameless(o); [2, 1].sort_by { |_| o.own_method }; end }
end

start = -> { Class.new { Anonymous::ANONYMOUS; single_s = $single; Anonymous::ANONYMOUS.new.nameless(single_s) } }
$single = single
case ARGV[0]
when "thread" then Thread.new { start.call }.join
when "fiber" then Fiber.new { start.call }.resume
else start.call
end
