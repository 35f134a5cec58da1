"""How well a site is: probes damped, views of the observers, the verdict of a quorum."""
