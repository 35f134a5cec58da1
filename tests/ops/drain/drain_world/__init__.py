"""A small estate on one screen: its true state, its store, its vantage points, routers and operators, driven by a script.

The judgements are the production functions; what is simulated is the world around them, and what it does to messages.
Time is counted in ticks of half a second. Nobody here reads a clock, and nothing is random: a script is all there is.
"""
