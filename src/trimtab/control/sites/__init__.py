"""Whether a site serves: what one observer saw (`stream`), says (`reading`), and what all of them agree on (`verdict`). Pure."""
