# As work.py.
use strict;
use warnings;

package Worker;

sub unit {
    my ($self, $depth) = @_;
    return $depth > 0 ? $self->unit($depth - 1) + 1 : $self->count_words + $self->sum_numbers;
}

sub count_words {
    my %counts;
    $counts{$_ * 7919 % 100}++ for 0 .. 299;
    return scalar(my @sorted = sort keys %counts);
}

sub sum_numbers {
    my $total = 0;
    $total += $_ * $_ % 7 for 0 .. 3999;
    return $total;
}

package main;

my $worker = bless {}, 'Worker';
$| = 1;
print "ready\n";
while (my $line = <STDIN>) {
    $worker->unit(20) for 1 .. $line;
    print "done\n";
}
