# Subroutines that are made, run and forgotten, so that one lies where another lay; and a child just forked that does the
# same. Usage: pl_reused.pl SECONDS
use strict;
use warnings;

my $end = time + $ARGV[0];

sub burn_even { my ($n, $x) = (3000, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }
sub burn_odd { my ($n, $x) = (3000, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }

sub made {
    my ($package, $name) = @_;
    eval "package $package; sub $name { my \$x = main::burn_$name(); return \$x; } $name(); 1" or die $@;
    no strict 'refs';
    undef *{"${package}::$name"};
    undef %{"${package}::"};
    return;
}

sub both {
    made('Reused', 'even');
    made('Reused', 'odd');
    return;
}

while (time < $end) {
    my $child = fork;
    my $until = time + 1;
    both() while time <= $until;
    exit 0 if !$child;
    waitpid $child, 0;
}
