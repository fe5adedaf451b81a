"""The entries of a bundle: made, read, and told apart from what is none."""

import pytest
from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import DAY, NOW, entry

from nbfab.keys import Key
from nbfab.plan import bundle


def test_an_entry_says_whose_it_is_and_who_has_added_it() -> None:
    text = entry("ann") + "# a note\n" + entry("bob@laptop", "operator", "") + entry("x" * 80, "probe", "y" * 80)
    found = bundle.read(text)
    assert [(client.name, client.role, client.by) for client in found] == [
        ("ann", "client", "ann@laptop"),
        ("bob@laptop", "operator", ""),
        ("x" * 64, "probe", "y" * 64),
    ]
    assert found[0].days_left(NOW) == 365
    assert found[0].days_left(NOW + 366 * DAY) < 0
    assert bundle.named(found, "ann") == found[:1]
    assert bundle.broken(text) == ()


def test_it_vouches_for_itself_alone_and_for_no_server() -> None:
    made = load_pem_x509_certificate(entry("ann").encode())
    assert made.issuer == made.subject
    assert not made.extensions.get_extension_for_class(BasicConstraints).value.ca
    assert list(made.extensions.get_extension_for_class(ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_no_two_have_the_same_subject() -> None:
    """Of two such, a server that asks OpenSSL would refuse one; two machines may well have the same name."""
    one, other = (load_pem_x509_certificate(entry("root@vm", "operator", "").encode()) for _ in range(2))
    assert one.subject != other.subject
    assert one.serial_number != other.serial_number


def test_its_key_is_not_what_is_shown() -> None:
    whole = bundle.make("ann", "client", "", 1, NOW, Key.new())
    assert "PRIVATE KEY" in whole
    assert "PRIVATE KEY" not in bundle.shown(whole)
    assert bundle.shown("no certificate") == ""


def test_entries_that_cannot_be_read_are_told_apart() -> None:
    good, bad = entry("ann"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert bundle.broken(bad + good + bad) == ("MIIB", "MIIB")
    assert [client.name for client in bundle.read(bad + good)] == ["ann"]


@pytest.mark.parametrize(
    "stray", ["-----BEGIN X509 CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN X-----"]
)
def test_what_tls_would_stumble_over_is_found(stray: str) -> None:
    good = entry("ann")
    for text in (good, f"# {stray}\n{good}", f"{good.replace(chr(10), chr(13) + chr(10))}-- note --\n"):
        assert bundle.is_clean(text)
        assert not bundle.is_clean(f"{text}{stray}\n{good}")
    assert bundle.read(f"# {good}") == ()


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    block = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    assert bundle.read(block) == ()


@pytest.mark.parametrize("name", ["ann", "a", "ann-laptop.2", "A_b", "9"])
def test_a_client_may_be_called_that(name: str) -> None:
    assert bundle.is_new_name(name)
    assert bundle.is_name(name)


@pytest.mark.parametrize("name", ["", " ", "-x", "--all", ".x", "a b", "a/b", "é", "a\n", "x" * 65, "$HOME", "a@b@c"])
def test_a_client_may_not_be_called_that(name: str) -> None:
    assert not bundle.is_new_name(name)
    assert not bundle.is_name(name)


def test_only_an_operator_has_an_at() -> None:
    assert bundle.is_name("ann@laptop")
    assert not bundle.is_new_name("ann@laptop")
