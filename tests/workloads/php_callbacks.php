<?php
namespace Load;

// PHP calls C calls PHP: 30 % of the work behind array_map, 50 % behind usort, 20 % behind preg_replace_callback.

function spin(int $turns): int
{
    $x = 1;
    for ($i = 0; $i < $turns; $i++) { // line 9
        $x = ($x * 1103515245 + 12345) & 0x7fffffff; // line 10
    }
    return $x;
}

final class Burner
{   public static $unit = 1000; // turns come in jittered lengths, or they would keep step with the sampling
    public function mapped(): void
    {
        array_map(function ($turns) { return spin($turns); }, [30 * self::$unit]); // line 19
    }

    public static function compare(int $a, int $b): int
    {
        return spin(50 * self::$unit) & 1 ? $a <=> $b : 0; // line 24
    }

    public static function sorted(): void
    {
        $pair = [2, 1];
        usort($pair, [self::class, 'compare']); // line 30
    }

    public function replaced(): void
    {
        preg_replace_callback('/b/', function ($match) { return $match[0] . spin(20 * self::$unit); }, 'abc'); // line 35
    }
}

$burner = new Burner();
$end = microtime(true) + (float) $argv[1];
while ((Burner::$unit = mt_rand(1000, 3000)) && microtime(true) < $end) {
    $burner->mapped(); // line 42
    Burner::sorted(); // line 43
    $burner->replaced(); // line 44
}
