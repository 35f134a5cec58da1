"""What happened to a site, from the first word of a quorum to the last: pure, but for `watch`, which writes it down."""
