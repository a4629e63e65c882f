# Two interpreter threads that burn in functions of their own. Usage: pl_threads.pl SECONDS
use strict;
use warnings;
use threads;

my $end = time + $ARGV[0];

sub burn { my ($n, $x) = (20000, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }
sub first_thread { while (time < $end) { my $x = burn(); burn(); } return; }
sub second_thread { while (time < $end) { my $x = burn(); burn(); } return; }

my @threads = (threads->create(\&first_thread), threads->create('second_thread'));
$_->join for @threads;
