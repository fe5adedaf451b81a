"""Many hosts at once: threads, passwords to hand out, which hosts failed last time.

What is done on each host is in `nbfab.run`; nothing here prints.
"""
