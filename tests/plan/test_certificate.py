"""The step `certificate`."""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import DAY, NEW, NOW, WANTED, certified, file, holding, seen, wanting

from nbfab.errors import Refused
from nbfab.look.facts import Facts
from nbfab.plan import certificate, pem
from nbfab.wanted import Wanted


def why(wanted: Wanted, facts: Facts) -> str:
    """What the step does and why; empty if it does nothing."""
    return " ".join(change.summary for change in certificate.plan(wanted, facts))


def test_the_certificate_has_the_names_that_people_type() -> None:
    wanted = wanting(names=["Lab.Example.org", "2001:DB8::1", "bücher.example"])
    facts = certified(NEW, wanted)
    cert = x509.load_pem_x509_certificate(facts.files.text(certificate.FILE).encode())
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = ["box.example.org", "lab.example.org", "xn--bcher-kva.example", "box", "localhost"]
    assert san.get_values_for_type(x509.DNSName) == names
    assert [str(a) for a in san.get_values_for_type(x509.IPAddress)] == ["2001:db8::1", "192.0.2.7", "127.0.0.1", "::1"]
    assert cert.not_valid_after_utc.timestamp() == NOW + 365 * DAY
    assert why(wanted, facts) == ""


@pytest.mark.parametrize(
    ("ip", "more"), [("*", []), ("::", []), ("0.0.0.0", []), ("198.51.100.9", ["198.51.100.9"]), ("127.0.0.1", [])]
)
def test_the_certificate_has_the_address_that_the_server_listens_on(ip: str, more: list[str]) -> None:
    usual = certificate.names(WANTED, NEW)
    assert sorted(certificate.names(wanting(ip=ip), NEW)) == sorted([*usual, *more])


def test_a_host_cannot_have_a_name_put_into_its_certificate_that_is_none() -> None:
    facts = seen(host={"names": ("a b", "*", "x" * 300, "$HOME", "good"), "addresses": ("fe80::1%eth0",)})
    assert certificate.names(WANTED, facts) == ("box.example.org", "good", "localhost", "127.0.0.1", "::1")


def test_a_host_may_be_reached_by_what_no_certificate_can_carry() -> None:
    wanted = replace(WANTED, names=("fe80::1%eth0", "my.box"))
    assert certificate.names(wanted, NEW)[0] == "my.box"
    (change,) = certificate.plan(wanted, NEW)
    assert pem.load(change.args["content"])


def test_a_certificate_is_for_a_server_and_its_key_for_its_owner() -> None:
    (change,) = certificate.plan(WANTED, NEW)
    pem = change.args["content"]
    cert, key = x509.load_pem_x509_certificate(pem.encode()), load_pem_private_key(pem.encode(), None)
    assert cert.public_key() == key.public_key()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert usage == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (change.args["file"], change.args["mode"]) == ("nbserver.pem", "600")


@pytest.mark.parametrize(
    ("changes", "later", "reason"),
    [
        ({}, 0, ""),
        ({}, 334 * DAY, ""),
        ({}, 336 * DAY, "it expires in 29 days"),
        ({}, 400 * DAY, "it has expired"),
        ({"days": 3000}, 0, "it is valid for 3000 more days, but 365 are wanted"),
        ({"names": ("box",)}, 0, "it lacks box.example.org, localhost, 127.0.0.1, ::1"),
        ({"names": ("box.example.org", "localhost", "127.0.0.1", "::1")}, 0, ""),
        ({"names": ("*.example.org", "localhost", "127.0.0.1", "::1")}, 0, ""),
        ({"now": NOW + 10 * DAY, "clock": NOW + 10 * DAY}, 0, "it is not valid yet"),
        ({"clock": NOW - 20 * DAY}, 0, ""),
        ({"mode": "-rw-r--r--"}, 0, "others could read its key (-rw-r--r--)"),
        ({"mode": "-r--------"}, 0, ""),
    ],
)
def test_a_certificate_is_kept_while_it_fits(changes: Mapping[str, Any], later: float, reason: str) -> None:
    facts = seen(certified(**changes), host={"clock": int(NOW + later)})
    known = why(replace(WANTED, now=NOW + later), facts)
    names = ", ".join(certificate.names(WANTED, NEW))
    key = "a new" if "read its key" in reason else "the same"
    assert known == (f"renew the certificate for {names}, with {key} key: {reason}" if reason else "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "make the certificate for .*: there is none"),
        ("", "make the certificate for .*: the one there cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "renew .*: the one there cannot be read"),
        ("\udcff", "renew .*: the one there cannot be read"),
    ],
    ids=["absent", "empty", "broken", "no text"],
)
def test_a_certificate_that_is_none_is_made(text: str | None, reason: str) -> None:
    facts = NEW if text is None else holding(NEW, file(certificate.FILE, text))
    (change,) = certificate.plan(WANTED, facts)
    assert re.fullmatch(reason, change.summary)


def test_a_certificate_for_few_days_is_renewed_in_its_last_third() -> None:
    wanted = wanting(days=9)
    facts = certified(NEW, wanted)
    assert why(replace(wanted, now=NOW + 5 * DAY), facts) == ""
    assert "it expires in 2 days" in why(replace(wanted, now=NOW + 7.1 * DAY), facts)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"key": "other"}, "its key does not match"),
        ({"key": "", "key_loads": False}, "its key does not match"),
        ({"key": ""}, ""),
    ],
)
def test_a_key_that_does_not_match(key: Mapping[str, Any], reason: str) -> None:
    assert why(WANTED, seen(certified(), files=key)).endswith(reason)
    assert bool(why(WANTED, seen(certified(), files=key))) == bool(reason)


@pytest.mark.parametrize(
    ("skew", "note"),
    [
        (0, ""),
        (-600, ""),
        (1800, "the host's clock is 30 minutes ahead of this machine's"),
        (-3 * DAY, "the host's clock is 3.0 days behind this machine's"),
    ],
)
def test_two_clocks_that_differ_are_noted(skew: int, note: str) -> None:
    facts = seen(host={"clock": int(NOW) + skew})
    assert list(certificate.notes(WANTED, facts)) == ([note] if note else [])


def test_the_fingerprint_is_the_one_that_browsers_show() -> None:
    cert = pem.load(certified().files.text(certificate.FILE))
    assert cert is not None
    shown = pem.fingerprint(cert)
    assert len(shown.split(":")) == 32
    assert shown == shown.upper()
    assert [pem.days_left(cert, NOW + days * DAY) for days in (0, 364.5, 365.5)] == [365, 1, -1]


SOUND = pem.make(("box.example.org", "192.0.2.7"), 365, NOW, NOW)


def armoured(der: bytes) -> str:
    """A certificate as PEM."""
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"


@pytest.mark.filterwarnings("error")
def test_a_country_of_many_letters_is_read_without_a_warning() -> None:
    sound = pem.load(SOUND)
    assert sound
    common_name, country = b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x04\x06"
    assert pem.load(armoured(sound.public_bytes(Encoding.DER).replace(common_name, country)))


@pytest.mark.filterwarnings("error")
@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_certificate_with_any_byte_changed_is_read_or_is_none(changes: list[tuple[int, int]]) -> None:
    """Whatever a host shows: a version that is none, an extension twice, a name that is no text."""
    sound = pem.load(SOUND)
    assert sound
    data = bytearray(sound.public_bytes(Encoding.DER))
    for at, value in changes:
        data[at % len(data)] = value
    odd = armoured(bytes(data))
    facts = holding(NEW, file(certificate.FILE, odd))
    certificate.names_there(facts)
    assert len(list(certificate.plan(replace(WANTED, reissue=True), facts))) == 1
    with suppress(Refused):  # it may have become one that nbfab did not make
        assert len(list(certificate.plan(WANTED, facts))) <= 1
    _ = list(certificate.notes(WANTED, facts)), list(certificate.standing(WANTED, facts))
    if found := pem.load(odd):
        assert pem.fingerprint(found)
        assert isinstance(pem.days(found), int)
        pem.pin(found)
        pem.days_left(found, NOW)
