"""Wheels: what a host without internet installs is resolved and fetched here, for its platform, libc and Python.

A wheelhouse is a folder with wheels, and the list of their hashes; it is kept here, for other hosts of the same kind.
Nothing here knows a host or a notebook: `look.target` asks the host what it is, `apply.wheels` sends a folder to it.
"""
