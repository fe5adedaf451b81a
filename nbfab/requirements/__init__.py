"""Requirements: which packages a file on this machine asks for, as lines that both pip and uv take on a host.

A file per kind of file. Only `read` and `uv_lock` touch files or run a program; the rest is text. Nothing here knows a
host, or what is installed there.
"""
