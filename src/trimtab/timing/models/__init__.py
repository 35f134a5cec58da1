"""One small model a fault: which estates it means anything to, and the arithmetic of its reads and writes."""
