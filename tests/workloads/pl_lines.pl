# Statements whose beginning Perl leaves out: the first of a block without variables. Usage: pl_lines.pl SECONDS
use strict;
use warnings;

my ($end, $x) = (time + $ARGV[0], 0);

sub first_of_loop {
    my ($n, $s) = (shift, 'abcdefgh' x 64);
    while ($n-- > 0) {
        $x = reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s);
        $x = 1;
    }
    return;
}

sub only_of_if {
    my ($n, $s) = (shift, 'abcdefgh' x 64);
    for my $i (1 .. $n) {
        if ($i % 2) {
            $x = reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s) . reverse($s);
        }
    }
    return;
}

while (time < $end) {
    first_of_loop(200);
    only_of_if(400);
}
