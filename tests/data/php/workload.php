<?php
namespace Recorded;

// What gp_record_php records: tells the stack it stands in, then waits to be read. Frames innermost first:
// "frame TAB line TAB file TAB name"; line 0: a function of C.

function tell(int $line): void
{
    $trace = array_slice(debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS), 1); // without tell() itself
    $file = __FILE__;
    foreach ($trace as $frame) {
        $name = isset($frame['class']) ? $frame['class'] . '::' . $frame['function'] : $frame['function'];
        if (in_array($frame['function'], ['include', 'require', 'eval'])) {
            $name = 'main';
        }
        $name = preg_replace('/\0[^$]*\$[0-9a-f]+/', '', $name); // where a class without a name was defined
        echo "frame\t$line\t$file\t$name\n";
        $line = $frame['line'] ?? 0;
        $file = $frame['file'] ?? '';
    }
    echo "frame\t$line\t$file\tmain\n";
    echo "end\n";
    flush();
}

class Größe
{
    public function __call($name, $arguments)
    {
        return array_map(function ($value) {
            foreach (outer() as $ignored) {
            }
        }, [1]);
    }

    public static function start($self)
    {
        return $self->anything();
    }
}

function wait()
{
    tell(__LINE__); fgets(STDIN);
}

function inner()
{
    yield recursive(5);
}

function middle()
{
    yield from inner();
}

function outer()
{
    yield from middle();
}

function recursive(int $depth)
{
    return $depth > 0 ? recursive($depth - 1) : (new class () {
        public function run()
        {
            $pair = [2, 1];
            usort($pair, function ($a, $b) {
                wait();
                return 0;
            });
        }
    })->run();
}

eval('\call_user_func(["Recorded\\\\Größe", "start"], new \Recorded\Größe());');
