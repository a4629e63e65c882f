<?php
// A minimal FastCGI client (FastCGI Specification 1.0): asks for a script again and again over a unix socket.
// Usage: php php_fastcgi.php SOCKET SCRIPT SECONDS

function pairs(array $values): string
{
    $text = '';
    foreach ($values as $name => $value) {
        $text .= chr(strlen($name)) . pack('N', strlen($value) | 0x80000000) . $name . $value;
    }
    return $text;
}

function packet(int $type, string $content): string
{
    return pack('CCnnCC', 1, $type, 1, strlen($content), 0, 0) . $content; // version, type, request 1
}

function request(string $socket, string $script): string
{
    $stream = @stream_socket_client("unix://$socket", $code, $message, 5);
    if ($stream === false) {
        return '';
    }
    fwrite($stream, packet(1, pack('nCxxxxx', 1, 0)) // FCGI_BEGIN_REQUEST: responder, close afterwards
        . packet(4, pairs(['SCRIPT_FILENAME' => $script, 'REQUEST_METHOD' => 'GET', 'QUERY_STRING' => ''])) // FCGI_PARAMS
        . packet(4, '') . packet(5, ''));
    return (string) stream_get_contents($stream);
}

$end = microtime(true) + (float) $argv[3];
while (microtime(true) < $end) {
    if (strpos(request($argv[1], $argv[2]), 'done') === false) {
        usleep(50000); // the pool is not up yet
    }
}
