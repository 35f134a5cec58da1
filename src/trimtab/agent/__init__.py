"""What runs on a host: the agent, its loop and its controllers. Each has a pure `decide`; clients act. Never the estate."""
