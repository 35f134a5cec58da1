"""What a site's routers announce on a word from the estate's store, and whether it is so."""
