"""What is wrong with a host, in layers from its name to what its server leaves behind: pure checks of what was seen.

Nothing here runs a program, opens a connection or changes anything. Each layer is a file; `layers.py` has their order.
"""
