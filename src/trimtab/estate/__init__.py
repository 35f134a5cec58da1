"""The model of an estate: frozen types, one noun a file; loading with file and line; derived addresses and numbers. It may import
`codec` and `errors`, and knows no daemon: what daemons add to the file comes as an argument (`additions`).
"""
