"""What `bench/failover` consists of: which trials, one trial, their records, their figures."""
