"""Carries connections over a link that comes and goes; the same at both ends, here and on the host (as `nbfab_relay`).

A stream is one connection of a browser to the notebook server. Either end keeps what the other has not got yet, and
goes on over the next link: neither browser nor server sees that there was a cut.

- What goes over a link, and what is kept for the next: `frames`, `outgoing`, `incoming`; all of it is pure.
- A stream, its two connections, and the memory that all share: `stream`, `sides`, `budget`.
- The ends: `near` takes browsers' connections here, `far` takes them up on the host, as the program `serve`.

It needs nothing but the standard library, and runs on Python 3.8 and later.
"""

from __future__ import annotations

VERSION = 1  # of what goes over a link; it is in the name of the far end's socket, so that only equals meet
