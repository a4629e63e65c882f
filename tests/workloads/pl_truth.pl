# Samples itself: at each signal that a child sends it writes down which of its subroutines are on the stack (caller), and
# again and again how often each was, into the file "truth". Perl runs the handler when the operation at hand is over.
# Usage: pl_truth.pl SECONDS
use strict;
use warnings;
use List::Util qw(first);

my ($total, $written, %count) = (0, 0);
my @names = qw(alpha beta gamma delta spin);

sub spin { my ($n, $x) = (shift, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }
sub alpha { spin(1200 * $_) for 3, 1, 2; return; }
sub beta { my @sorted = sort { spin(60); $a <=> $b } map { $_ * 7 % 19 } 1 .. 20; return @sorted; }
sub gamma { return first { spin(200); $_ == 12 } 1 .. 12; }
sub delta { my $n = 0; $n += length(sprintf '%10s', $_) for 1 .. 4000; return $n; }

my $parent = $$;
my $end = time + $ARGV[0];
my $child = fork;
if (!$child) {
    while (getppid == $parent && time < $end) { select(undef, undef, undef, 0.004); kill USR1 => $parent; }
    exit 0;
}
$SIG{USR1} = sub {
    my ($depth, %seen) = (0);
    while (my @caller = caller($depth++)) { $seen{$caller[3]} = 1; }
    $total++;
    for my $name (@names) { $count{$name} += $seen{"main::$name"} ? 1 : 0; }
};
while (time < $end) {
    alpha(); beta(); gamma(); delta();
    next if $total < $written + 100;
    $written = $total;
    open(my $truth, '>', 'truth.new') or die;
    print $truth "$_ $count{$_} $total\n" for @names;
    close($truth);
    rename('truth.new', 'truth');
}
