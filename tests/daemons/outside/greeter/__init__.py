"""A daemon that Trimtab does not know: it greets whoever connects. One room, made as Trimtab's own are."""
