"""Making the changes of a plan: the sh functions that make them, and the program that runs those.

Nothing here decides what to change.
"""
