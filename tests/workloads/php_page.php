<?php
namespace Page;

// What a pool serves: 60 % of the work in one method, 40 % in another.

final class Controller
{
    private function work(int $turns): int
    {
        $x = 1;
        for ($i = 0; $i < $turns; $i++) {
            $x = ($x * 1103515245 + 12345) & 0x7fffffff;
        }
        return $x;
    }

    public function list(): int
    {
        return $this->work(600000);
    }

    public function show(): int
    {
        return $this->work(400000);
    }
}

$controller = new Controller();
$controller->list();
$controller->show();
echo 'done';
