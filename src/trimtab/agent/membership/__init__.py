"""Who serves in a pool: records, claims of ids, what is kept over a restart, the decision for each pool."""
