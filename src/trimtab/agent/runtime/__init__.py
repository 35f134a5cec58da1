"""What every controller of the agent stands on: loop, queue, result, back-off, lease, informer, log, metrics. It imports
`registry.base`, `agent_config` and `errors`, and no controller.
"""
