"""Who may take capacity away: a request, what is known of the estate, and an answer with its figures. Pure."""
