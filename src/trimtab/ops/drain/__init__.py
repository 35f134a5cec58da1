"""A site is taken out and brought back, step by step, so that a stop at any line leaves it out or in. Pure."""
