# Perl calls C calls Perl: sorts, List::Util, substitution, ties, overloading, destructors, evals in callbacks.
# Usage: pl_callbacks.pl SECONDS
package Load::Burner;
use strict;
use warnings;
use List::Util qw(first reduce);
use overload '+' => sub { Load::Burner::spin(1500); return 1; };

our ($a, $b);

sub spin { my ($n, $x) = (shift, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }

sub compare { spin(250); return $a <=> $b; }
sub by_block { my @sorted = sort { compare() } 5, 3, 9, 1, 7, 2; return @sorted; }
sub by_name { my @sorted = sort compare 5, 3, 9, 1, 7, 2; return @sorted; }
sub found { return first { spin(400); $_ == 5 } 1 .. 5; }
sub reduced { return reduce { spin(500); $a + $b } 1 .. 5; }
sub replaced { my $text = 'abcd'; $text =~ s/(\w)/spin(500)/ge; return $text; }
sub TIESCALAR { return bless [], shift; }
sub FETCH { my $value = eval { spin(700); spin(700); }; spin(700); return $value; }
sub tied_value { tie my $tied, __PACKAGE__; my $value = $tied; return $value; }
sub added { my $sum = bless([], __PACKAGE__) + 1; return $sum; }
sub Load::Guard::DESTROY { spin(2000); return; }
sub guarded { my $guard = bless [], 'Load::Guard'; undef $guard; return; }
sub evaluated { return eval 'Load::Burner::spin(2000)'; }

package main;
my $end = time + $ARGV[0];
while (time < $end) { Load::Burner::by_block(); Load::Burner::by_name();
    Load::Burner::found(); Load::Burner::reduced(); Load::Burner::replaced();
    Load::Burner::tied_value(); Load::Burner::added(); Load::Burner::guarded(); Load::Burner::evaluated(); }
