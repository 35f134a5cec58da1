"""One room per program that Trimtab renders, runs or talks to. The first file of each: its features by version."""
