"""Passwords: which are refused, how they are hashed, and that nothing shows them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jupyter_server.auth import security

from nbfab.errors import UsageError
from nbfab.passwords import Password, generate
from nbfab.settings import is_hash

TEXT = "correct horse battery"


@pytest.mark.parametrize(
    ("weak", "reason"),
    [
        ("", "at least 12 characters"),
        ("short", "at least 12 characters"),
        ("elevenchars", "at least 12 characters"),
        ("with\nnewline in it", "control characters"),
        ("with\x00null in it", "control characters"),
        (" leading blank", "begin or end with a blank"),
        ("trailing blank ", "begin or end with a blank"),
        ("trailing blank\u3000", "control characters|begin or end with a blank"),
    ],
)
def test_a_password_that_could_not_be_used_is_refused(weak: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"a password must.*({reason})") as error:
        Password(weak)
    assert not weak or weak not in str(error.value) + error.value.hint


def test_a_password_fits_its_hash_and_no_other() -> None:
    password = Password(TEXT)
    assert is_hash(password.hash)
    assert Password(TEXT).fits(password.hash)
    assert not Password(TEXT + "!").fits(password.hash)
    assert not Password(TEXT).fits(password.hash[:-2])
    assert not Password(TEXT).fits("")


@pytest.mark.parametrize("costs", ["m=4294967295,t=10,p=8", "m=9999999,t=9999999,p=8", "m=10240,t=100000,p=8"])
def test_a_hash_that_takes_for_ever_to_verify_is_none(costs: str) -> None:
    form = "argon2:$argon2id$v=19${}$c29tZXNhbHQ$aGFzaA"
    assert is_hash(form.format("m=10240,t=10,p=8"))
    assert not is_hash(form.format(costs))
    assert not Password(TEXT).fits(form.format(costs))


def test_two_hashes_of_a_password_differ() -> None:
    assert Password(TEXT).hash != Password(TEXT).hash


def test_a_password_is_the_same_however_it_was_typed() -> None:
    assert Password("pässwörter sind lang").fits(Password("pa\u0308sswo\u0308rter sind lang").hash)


def test_the_server_accepts_the_hash_and_we_accept_the_servers() -> None:
    theirs: Any = security
    assert theirs.passwd_check(Password(TEXT).hash, TEXT)
    assert not theirs.passwd_check(Password(TEXT).hash, TEXT + "!")
    assert Password(TEXT).fits(theirs.passwd(TEXT))


def test_a_password_that_is_known_by_its_hash() -> None:
    known = Password(known=Password(TEXT).hash)
    assert known.fits(known.hash)
    assert not known.fits(Password(TEXT).hash)
    with pytest.raises(UsageError, match="a password hash must be in the form"):
        Password(known="sha1:abc")


def test_a_password_does_not_show_itself() -> None:
    password = Password(TEXT)
    assert password.hash
    assert (repr(password), str(password)) == ("Password(...)", "Password(...)")
    assert password.reveal() == TEXT


def test_many_hosts_at_once_verify_one_after_another() -> None:
    password, hashes = Password(TEXT), [Password(TEXT).hash for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(password.fits, hashes * 4))


def test_a_generated_password_has_a_hundred_bits() -> None:
    alphabet, made = set("abcdefghijklmnopqrstuvwxyz234567"), [generate().reveal() for _ in range(50)]
    assert {len(text.replace("-", "")) for text in made} == {20}  # of 5 bits each
    assert set("".join(made)) - {"-"} <= alphabet
    assert len(set(made)) == 50
    assert generate().generated
    assert not Password(TEXT).generated
