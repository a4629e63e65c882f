<?php
// Samples itself: at each SIGUSR1 that a child sends it writes down which of its functions are on the stack
// (debug_backtrace), and again and again how often each was, into the file "truth". Usage: php_truth.php SECONDS

function spin(int $n): int
{
    $x = 1;
    for ($i = 0; $i < $n; $i++) {
        $x = ($x * 1103515245 + $i) & 0x7fffffff;
    }
    return $x;
}

function alpha(): void
{
    foreach ([3, 1, 2] as $v) {
        spin(1200 * $v);
    }
}

function beta(): void
{
    $values = range(1, 20);
    usort($values, function ($a, $b) { return spin(60) & 0 ? 1 : $a <=> $b; });
}

function gamma(): void
{
    preg_replace_callback('/-/', function ($m) { return $m[0] . '+'; }, str_repeat('a-b-', 400));
}

function delta(): void
{
    $texts = array_map(function ($v) { return str_pad((string) $v, 10, ' ', STR_PAD_LEFT); }, range(1, 600));
    sort($texts);
}

$names = ['alpha', 'beta', 'gamma', 'delta', 'spin'];
$counts = array_fill_keys($names, 0);
$total = 0;
$written = 0;
pcntl_async_signals(true);
pcntl_signal(SIGUSR1, function () use (&$counts, &$total, $names) {
    $functions = array_column(debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS), 'function');
    $total++;
    foreach ($names as $name) {
        $counts[$name] += in_array($name, $functions, true) ? 1 : 0;
    }
});

$parent = getmypid();
$end = microtime(true) + (float) $argv[1];
if (pcntl_fork() === 0) {
    while (posix_getppid() === $parent && microtime(true) < $end) {
        usleep(4000);
        posix_kill($parent, SIGUSR1);
    }
    exit(0);
}
while (microtime(true) < $end) {
    alpha();
    beta();
    gamma();
    delta();
    if ($total >= $written + 100) {
        $written = $total;
        $lines = '';
        foreach ($names as $name) {
            $lines .= "$name {$counts[$name]} $total\n";
        }
        file_put_contents('truth.new', $lines);
        rename('truth.new', 'truth');
    }
}
