"""Its folder is on the path for the folders below: the kits are there."""
