"""What there is on a host: sh that prints facts, each file next to the Python that reads it.

Nothing here decides what should be there, or changes anything.
"""
