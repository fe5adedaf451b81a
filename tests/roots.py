"""Roots of the user's authorities, and what else tests of `trust` need of them."""

import time
from collections.abc import Mapping
from pathlib import Path

from authorities import authority, home_of

from nbfab.trust.root import Root, of


def root_in(data: Path, *, passphrase: str = "", days_ago: int = 0) -> Root:
    """Makes an authority below the folder XDG_DATA_HOME; its root."""
    with home_of(data):
        return of(authority("lab.example.org", now=time.time() - 86400 * days_ago, passphrase=passphrase))


def bare(env: Mapping[str, str]) -> dict[str, str]:
    """An environment without variables that name another store."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {name: value for name, value in env.items() if name not in names}
