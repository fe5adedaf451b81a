"""Trust: the user's authorities, put where this machine's browsers and tools look, and taken out again.

Looking and doing are at the edges; what is to be done follows from what is there (`plan`), and runs nothing. Nothing
here prints, asks, or runs sudo.
"""
