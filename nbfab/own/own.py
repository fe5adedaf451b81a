"""A certificate of the user's own, its chain and its key."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nbfab.own.files import chain_in, key_in
from nbfab.own.fitness import check_kind, check_signature, check_time, check_use, notes
from nbfab.own.given import Given
from nbfab.own.order import in_order, spki


class Own:
    """A certificate first in its `chain`, and the key; `notes` are what people should know. `repr` shows no key."""

    __slots__ = ("_key", "chain", "notes")

    def __init__(self, chain: tuple[x509.Certificate, ...], key: PrivateKeyTypes, notes: tuple[str, ...] = ()) -> None:
        self.chain, self._key, self.notes = chain, key, notes

    def __repr__(self) -> str:
        return f"Own({self.leaf.subject.rfc4514_string()})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not for pickle, copy or any other place")

    @property
    def leaf(self) -> x509.Certificate:
        """The host's certificate."""
        return self.chain[0]

    def with_note(self, note: str) -> Own:
        """This with one more note."""
        return Own(self.chain, self._key, (*self.notes, note))

    def reveal(self) -> str:
        """All of it in one PEM, the key first: the only thing that shows the key."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (key + b"".join(each.public_bytes(Encoding.PEM) for each in self.chain)).decode()


def own(certificates: Given, key: Given | None, now: float) -> Own:
    """What those files hold; without a `key` file, `certificates` has the key as well. `now` is in epoch seconds.

    Raises UsageError if a server could not use it, or a client would refuse it.
    """
    chain = chain_in(certificates)
    private = key_in(key or certificates, certificates)
    chain = in_order(certificates, key or certificates, chain, spki(private.public_key()))
    leaf = chain[0]
    for number, each in enumerate(chain, 1):
        check_time(certificates, each, number, now)
        check_signature(certificates, each)
    check_kind(certificates, leaf.public_key())
    check_use(certificates, leaf)
    return Own(chain, private, tuple(notes(certificates, chain, now)))
