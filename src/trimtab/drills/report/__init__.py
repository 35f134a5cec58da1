"""The report of a drill: one page that needs nothing but itself, and its JSON beside it.

document (what is stored) -> page (HTML, a pure function) -> folder (where it is written); compare reads two.
"""
