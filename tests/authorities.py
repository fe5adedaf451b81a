"""Authorities for tests, and certificates that they have signed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from plan_cases import NOW

from nbfab.authority import constraints, keyring, make, store
from nbfab.authority.authority import Authority
from nbfab.authority.signer import Signer


def authority(*allowed: str, now: float = NOW, passphrase: str = "") -> Authority:
    """A new authority in the home that `home_of` has set, which may sign that."""
    with make.alone():
        return make.make([constraints.parse(text) for text in allowed], now, passphrase)


def signer(of: Authority) -> Signer:
    """That authority with its key."""
    return keyring.signer(of)


@contextmanager
def home_of(folder: Path) -> Iterator[Path]:
    """The folder of all authorities, below `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        yield store.folder()
