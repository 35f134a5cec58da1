"""What happened to a site, from the first word of a quorum to the last: see README.md. Pure."""
