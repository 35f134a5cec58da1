"""An operator's overrides in a site's registry: of a member, a host, a split, and a registration by hand."""
