<?php
// States that are unlike a plain call: a fiber, an exception that passes frames with finally, a destructor, a generator
// that is left early, a shutdown function. In turns of the same length. Usage: php_states.php SECONDS
function burn(float $seconds): int
{
    $stop = microtime(true) + $seconds;
    $x = 1;
    do {
        for ($i = 0; $i < 1000; $i++) {
            $x = ($x * 1103515245 + 12345) & 0x7fffffff;
        }
    } while (microtime(true) < $stop);
    return $x;
}

function in_fiber(float $seconds): void
{
    burn($seconds / 2);
    Fiber::suspend();
    burn($seconds / 2);
}

function fibers(float $seconds): void
{
    $fiber = new Fiber('in_fiber');
    $fiber->start($seconds);
    $fiber->resume();
}

function thrower(float $seconds): void
{
    try {
        throw new RuntimeException('expected');
    } finally {
        burn($seconds);
    }
}

function exceptions(float $seconds): void
{
    try {
        thrower($seconds / 2);
    } catch (RuntimeException $e) {
        burn($seconds / 2);
    }
}

function numbers(float $seconds): Generator
{
    try {
        yield 1;
        yield 2;
    } finally {
        burn($seconds);
    }
}

function abandoned(float $seconds): void
{
    foreach (numbers($seconds) as $n) {
        break;
    }
}

function at_shutdown(float $seconds): void
{
    burn($seconds);
}

$seconds = (float) $argv[1];
register_shutdown_function('at_shutdown', $seconds / 4);
$parts = PHP_VERSION_ID >= 80100 ? ['fibers', 'exceptions', 'abandoned'] : ['exceptions', 'abandoned'];
$end = microtime(true) + $seconds / 2;
while (microtime(true) < $end) {
    foreach ($parts as $part) {
        $part(0.05);
    }
}
