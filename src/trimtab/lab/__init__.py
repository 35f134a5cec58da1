"""The twin: the estate's own files, run on one machine in network namespaces. It may import all but `drills` and `cli`."""
