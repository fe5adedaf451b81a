"""Keys: what is one, and that none is shown."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from nbfab.keys import LONGEST, Key
from nbfab.plan.pem import make
from nbfab.wanted import Wanted

P256 = ec.generate_private_key(ec.SECP256R1())


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    """A key as PEM."""
    secret = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, form, secret).decode())


@pytest.mark.parametrize("text", [pem(P256), pem(P256, PrivateFormat.TraditionalOpenSSL), make(("a",), 1, 1e9, 1e9)])
def test_a_key_is_read_from_a_pem(text: str) -> None:
    key = Key.load(text)
    assert key
    assert key.public.startswith("-----BEGIN PUBLIC KEY-----\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ud800",
        "{" * 100_000,
        pem(P256)[:100],
        pem(P256).replace("M", "N"),
        pem(P256) + " " * LONGEST,
        pem(P256, passphrase=b"open sesame"),
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(rsa.generate_private_key(65537, 2048)),
        Key.new().public,
    ],
    ids=["no", "lone", "deep", "half", "other", "long", "encrypted", "P-384", "Ed25519", "RSA", "public"],
)
def test_what_is_no_key_of_ours_is_none(text: str) -> None:
    assert Key.load(text) is None


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("utf-8", "surrogateescape"))), st.integers(0, 240))
def test_no_text_is_an_error(text: str, at: int) -> None:
    good = pem(P256)
    assert Key.load(text) is None
    Key.load(good[:at] + text + good[at:])


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda key: repr(Wanted(key=key)), lambda key: repr([key])])
def test_a_key_is_not_shown(show: Callable[[Key], str]) -> None:
    assert "Key(...)" in show(Key(P256))


@pytest.mark.parametrize("place", [pickle.dumps, copy.deepcopy, json.dumps, vars])
def test_a_key_cannot_be_put_anywhere(place: Callable[[Key], Any]) -> None:
    with pytest.raises(TypeError) as error:
        place(Key(P256))
    assert pem(P256).splitlines()[1] not in str(error.value)


def test_two_new_keys_differ() -> None:
    assert Key.new().public != Key.new().public
