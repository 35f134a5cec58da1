"""Hosts as other inventories know them: read, judged, and written as the `networks` and `machines` of sites.

`netbox` and `ansible` read, into the values of `found`; `plan` puts these together; `text` writes YAML. Nothing of a file is
pasted: what is written is a name, a number or an address that has been read as such.
"""
