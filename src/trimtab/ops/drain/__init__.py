"""How a site, a proxy or a member leaves and comes back, so that a stop at any line leaves it out or in: see README.md."""
