"""What `bench/propagation` consists of: a namespace with a site in it, what is done to the site, and the figures."""
