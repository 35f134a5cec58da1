"""What this host registers of itself, and says of itself."""
