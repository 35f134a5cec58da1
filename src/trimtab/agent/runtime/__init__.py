"""What every controller of the agent stands on: loop, queue, back-off, lease, informer, log, metrics."""
