"""Authority: the user's own certificate authorities, on this machine.

What they may sign, their files, what they have issued.
"""
