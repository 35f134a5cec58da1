"""One file a rule, named after the defect that it finds; `registry.py` lists them."""
