package Recorded;
use strict;
use warnings;
use utf8;
use List::Util qw(first);
binmode(STDOUT, ':utf8');

# What gp_record_perl records: tells the stack it stands in, then waits to be read. Frames innermost first:
# "frame TAB line TAB file TAB name". A block that catches has no frame of its own; a block of a sort has.

our ($a, $b);
open(my $self, '<:utf8', __FILE__) or die;
my @text = ('', <$self>);

sub tell_stack {
    my ($file, $line, $depth) = (__FILE__, shift, 1);
    while (my @caller = caller($depth++)) {
        my $in_sort = $text[$line] =~ /sort \{/ && $file eq __FILE__;
        print "frame\t$line\t$file\t(sort block)\n" if $in_sort;
        my $name = $caller[3];
        next if $name eq '(eval)' && !defined $caller[6];
        print "frame\t$line\t$file\t$name\n";
        ($file, $line) = @caller[1, 2];
    }
    print "frame\t$line\t$file\tmain\n";
    print "end\n";
    $| = 1;
    print "";
    return;
}

sub wait_for_reader {
    tell_stack(__LINE__ + 2);
    while (1) {
        last if !readline(STDIN);
    }
    return 1;
}

sub TIESCALAR { return bless [], shift }

sub FETCH {
    my $caught = eval {
        my $inner = wait_for_reader();
        1;
    };
    return $caught;
}

sub by_waiting {
    tie my $tied, 'Recorded';
    my $value = $tied;
    return 0;
}

sub größe {
    my @sorted = sort { by_waiting($a, $b) } 2, 1;
    return @sorted;
}

sub AUTOLOAD {
    my $name = our $AUTOLOAD;
    return if $name =~ /DESTROY/;
    my $closure = sub {
        my $found = first { my @all = größe(); 1 } 1, 2;
        return $found;
    };
    return $closure->();
}

sub recursive {
    my $depth = shift;
    my $result = $depth > 0 ? recursive($depth - 1) : Recorded->anything();
    return $result;
}

sub replaced {
    my $string = 'abc';
    $string =~ s/(b)/my $new = recursive(5); $new/e;
    return $string;
}

my $evaluated = eval "my \$x = replaced();\n\$x";
die $@ unless $evaluated;
