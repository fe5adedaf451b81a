"""Runs in the notebook server on the host (as `nbfab_server`, in a profile's folder); nbfab never imports it.

The server's settings import it and call `configure` (jupyter_server 2) or `configure_classic` (notebook 6). From then
on:

- The password's hash is read from the 0600 .json beside the settings, again whenever that file is another. A new
  password ends old sessions, and no kernel. A file that cannot be read lets no one in. (`hashed`, `sockets`)
- The login page may show what the host calls itself. (`logins`)
- Wrong passwords are counted by where they come from, and soon have to wait. (`limiter`, `peers`, `known`, `logins`)
- With the server's own token, nbfab may ask how many logins have failed, and for a login that works once, within a
  minute. (`endpoints`, `once`)
- Plain HTTP on the port of TLS is redirected to https. (`plain_http`, `redirects`)
- A certificate that is replaced while a connection begins is read again. (`handshake`)
- With that token, nbfab may also have every session end at once. (`endpoints`, `streams`)
- Names below `localhost` are names of this machine. (`hostnames`)
- A websocket through the owner's tunnel outlives a laptop's sleep. (`sockets`)
- Where clients have to present a certificate, the connections of one that is removed end. (`clients`)
- A server that no one uses ends after a while, if it is to. (`idle`)
- A kernel that computes counts as busy, whatever else it answers meanwhile. (`busy`)
- With that token, nbfab may ask what each kernel takes. (`usage`)
- A server that is stopped while it writes to its log ends. (`guard`)

What it hooks into is in `jupyter2` and `classic`, one for each server. It needs nothing but the standard library and
the server, and runs on Python 3.8 and later.
"""

from __future__ import annotations

from typing import Any

VERSION = 5  # raise it if a running server should take up a change at its next restart


def configure(c: Any, folder: str) -> None:
    """Sets up jupyter_server 2; `c` is its configuration, `folder` the profile's."""
    from .jupyter2 import set_up

    set_up(c, folder)


def configure_classic(c: Any, folder: str) -> None:
    """Sets up notebook 6; `c` is its configuration, `folder` the profile's."""
    from .classic import set_up

    set_up(c, folder)
