"""What `bench/anycast` is made of."""
