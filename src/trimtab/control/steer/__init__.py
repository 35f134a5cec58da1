"""What a site's routers announce on a word from the estate's store: `wish` (what, and whether it is so), `file` (what BIRD
and a successor read), `router` (the controller).
"""
