<?php
// As work.py.
class Worker
{
    public function unit($depth)
    {
        return $depth > 0 ? $this->unit($depth - 1) + 1 : $this->count_words() + $this->sum_numbers();
    }

    public function count_words()
    {
        $counts = [];
        for ($i = 0; $i < 300; $i++) {
            $word = 'w' . ($i * 7919 % 100);
            $counts[$word] = ($counts[$word] ?? 0) + 1;
        }
        ksort($counts);
        return count($counts);
    }

    public function sum_numbers()
    {
        $total = 0;
        for ($i = 0; $i < 4000; $i++) {
            $total += $i * $i % 7;
        }
        return $total;
    }
}

$worker = new Worker();
fwrite(STDOUT, "ready\n");
while (($line = fgets(STDIN)) !== false) {
    for ($i = (int) $line; $i > 0; $i--) {
        $worker->unit(20);
    }
    fwrite(STDOUT, "done\n");
}
