<?php
// Most of its time in patterns that PCRE has compiled: on the machine's stack (preg_match_all), and with calls back
// into PHP between the matches. Usage: php_regex.php [SECONDS]

function counted(string $text): int
{
    return preg_match_all('/(?:[a-m]+x|[n-w]+y)*z/', $text);
}

function replaced(string $text): string
{
    return preg_replace_callback('/([a-f]+|[g-w]+)+;/', function ($found) { return $found[1]; }, $text);
}

$words = str_repeat('abcmnoprswuvkkltsx', 300) . 'z';
$parts = str_repeat(str_repeat('aguhbwcv', 30) . ';', 20);
$end = microtime(true) + (float) ($argv[1] ?? 0.2);
while (microtime(true) < $end) {
    counted($words);
    replaced($parts);
}
