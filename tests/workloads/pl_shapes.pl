# Shapes of Perl code: closures, methods, AUTOLOAD, recursion, formats, names and paths beyond ASCII, BEGIN blocks,
# require, signals, die handlers. Usage: pl_shapes.pl SECONDS
use strict;
use warnings;
use utf8;
use FindBin;

my $end = time + $ARGV[0];

sub burn { my ($n, $x) = (5000, 1); $x = ($x * 1103515245 + $n) & 0x7fffffff while $n-- > 0; return $x; }

sub recursive { my $n = shift; return $n ? recursive($n - 1) : burn(); }

package Shapes::Base { sub new { return bless {}, shift; } sub method { my $self = shift; return main::burn(); } }
package Shapes::Derived {
    our @ISA = 'Shapes::Base';
    sub method { my $self = shift; return $self->SUPER::method(); }
    sub AUTOLOAD { our $AUTOLOAD; return if $AUTOLOAD =~ /DESTROY/; return main::burn(); }
}

sub closure { my $n = shift; return sub { my $x = $n; return burn(); }; }
sub größe { return burn(); }
sub warned { local $SIG{__WARN__} = sub { burn(); return; }; warn 'on purpose'; return; }
sub died { eval { local $SIG{__DIE__} = sub { burn(); return; }; die 'on purpose'; }; return; }
sub signalled { local $SIG{USR1} = sub { burn(); return; }; kill USR1 => $$; return; }
sub matched { my $text = 'ab' x 2000; my $n = () = $text =~ /(?:a|b)b?/g; return $n; }
my $lexical; { use feature 'lexical_subs'; no warnings; my sub inner { return burn(); } $lexical = sub { return inner(); }; }
our $field;
format STDOUT =
@<<<<<
burn() & 0
.
open(my $null, '>', '/dev/null') or die;
sub formatted { my $old = select($null); $~ = 'STDOUT'; write; select($old); return; }
sub required { delete $INC{"$FindBin::Bin/pl_required.pl"}; return require "$FindBin::Bin/pl_required.pl"; }
sub compiled { return eval "BEGIN { main::burn(); }\n1;"; }

while (time < $end) { recursive(300); Shapes::Derived->new->method; Shapes::Derived->new->anything; closure(1)->();
    größe(); warned(); died(); signalled(); $lexical->(); formatted(); required(); compiled(); matched(); }
