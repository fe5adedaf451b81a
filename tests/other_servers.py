"""A Jupyter server that nbfab did not start, as a host reports it."""

from typing import Any

from nbfab.look.facts import FACTS
from nbfab.look.others import Other

SERVER: dict[str, Any] = {
    "pid": 4711,
    "start": "123456",
    "since": 1_800_000_000,
    "app": "jupyter-lab",
    "version": "2.14.1",
    "port": 8888,
    "addresses": ["127.0.0.1", "::1"],
    "tls": False,
    "open": False,
    "why": "",
    "fingerprint": "",
    "folder": "/home/ann/work",
    "base": "/lab",
    "note": "/home/ann/.local/share/jupyter/runtime/jpserver-4711.json",
    "token": True,
    "kernels": 0,
    "terminals": None,
}


def parse(value: Any) -> tuple[Other, ...] | None:
    """What facts make of it."""
    found: tuple[Other, ...] | None = FACTS["others.servers"].metadata["parse"](value)
    return found


def one(**other: Any) -> Other:
    """A server that differs in that."""
    found = parse([SERVER | other])
    assert found
    return found[0]
