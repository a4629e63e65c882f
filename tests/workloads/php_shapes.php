<?php
namespace Shapes;

// Generators, delegation, included files, magic methods, recursion, classes without a name, evaluated code.

function burn(int $turns = 20000): int
{
    $x = 1;
    for ($i = 0; $i < $turns; $i++) {
        $x = ($x * 1103515245 + 12345) & 0x7fffffff;
    }
    return $x;
}

function inner()
{
    burn();
    yield 1;
}

function middle()
{
    yield from inner();
}

function outer()
{
    yield from middle();
}

function consumer(): void
{
    foreach (outer() as $value) {
    }
}

function recursive(int $depth): int
{
    return $depth === 0 ? burn() : recursive($depth - 1) + 1;
}

class Magic
{
    public function __call($name, $arguments)
    {
        return burn();
    }

    public static function fixed(): int
    {
        return burn();
    }

    public function __destruct()
    {
        burn();
    }
}

function leaf_of_c(): void
{
    str_repeat(md5(str_repeat('größe', 40000)), 10);
}

function größe(): int
{
    return burn();
}

spl_autoload_register(function ($class) {
    burn();
    eval("namespace Shapes; class " . substr($class, 7) . " { public \$by = 'autoload'; }");
});

$number = 0;
$end = microtime(true) + (float) $argv[1];
while (microtime(true) < $end) {
    consumer();
    recursive(200);
    (new Magic())->anything();
    Magic::fixed();
    leaf_of_c();
    größe();
    include __DIR__ . '/php_included.php';
    $without_name = new class () {
        public function run(): int
        {
            return burn();
        }
    };
    $without_name->run();
    eval('\Shapes\burn();');
    class_exists('Shapes\Loaded' . ++$number);
    Includer::run();
}

class Includer
{
    public static function run(): void
    {
        include __DIR__ . '/php_included.php';
        eval('\Shapes\burn();');
    }
}
