"""FRR: the BGP speaker of other networks in the twin."""
