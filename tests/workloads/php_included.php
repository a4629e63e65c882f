<?php
// Included by php_shapes.php: code of a file outside functions.
for ($turn = 0; $turn < 20000; $turn++) {
    $included = ($turn * 1103515245 + 12345) & 0x7fffffff;
}
