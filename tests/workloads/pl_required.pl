my $loaded = 1; main::burn();
$loaded;
