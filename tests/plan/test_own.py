"""A certificate that was given: put in place if it differs from the one there, and only where it fits."""

import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuers import Issued, three
from plan_cases import NEW, WANTED, certified, file, holding, seen, wanting

from nbfab.errors import Refused
from nbfab.keys import Key
from nbfab.look.choices import Choices
from nbfab.look.facts import Facts
from nbfab.own.given import Given
from nbfab.own.own import Own, own
from nbfab.plan import certificate
from nbfab.wanted import Wanted

BOX = three("box.example.org")
OTHER = BOX.issuer.issue("box.example.org", ["box.example.org"])  # type: ignore[union-attr]


def made(leaf: Issued) -> Own:
    return own(Given("full.pem", (leaf.chain + leaf.secret()).encode()), None, time.time())


def bringing(leaf: Issued, wanted: Wanted = WANTED) -> Wanted:
    return replace(wanted, own=made(leaf))


def having(leaf: Issued, *, chain: str = "", mode: str = "-rw-------", **files: Any) -> Facts:
    key = leaf.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return seen(holding(NEW, file(certificate.FILE, chain or leaf.chain, mode)), files={"key": key, **files})


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (NEW, "there is none"),
        (having(BOX), ""),
        (having(BOX, key=""), ""),
        (having(BOX, chain=BOX.chain.replace("\n", "\r\n")), ""),
        (having(OTHER), "it differs from the one there"),
        (having(BOX, chain=BOX.pem), "it differs from the one there"),
        (having(three("box.example.org", kind="P-384")), "it differs from the one there"),
        (having(Issued.root("Other CA").issue("b", ["b"])), "the one there was issued by CN=Other CA"),
        (certified(), "the one there was issued by CN=box.example.org"),
        (having(BOX, chain="garbage"), "the one there cannot be read"),
        (having(BOX, key="another"), "its key does not match"),
        (having(BOX, key_loads=False), "its key does not match"),
        (having(BOX, mode="-rw-r--r--"), "its mode is -rw-r--r--"),
    ],
)
def test_it_is_put_in_place_only_if_that_changes_something(facts: Facts, reason: str) -> None:
    changes = list(certificate.plan(bringing(BOX), facts))
    assert [change.reason for change in changes] == ([reason] if reason else [])
    for change in changes:
        assert change.what == "put the certificate in place"
        assert change.detail == "for box.example.org, issued by CN=Lab CA 1"
        assert change.args["content"] == BOX.secret() + BOX.chain
        assert change.args["mode"] == "600"
        assert BOX.secret().splitlines()[1] not in repr(change) + repr(change.public())


@pytest.mark.parametrize(
    ("names", "wanted", "known"),
    [
        (("box.example.org",), WANTED, ()),
        (("*.example.org",), WANTED, ()),
        (("box.example.org", "other"), wanting(names=["lab", "192.0.2.9"]), ()),
        (("lab",), wanting(names=["lab"]), ()),
        (("lab",), WANTED, ("lab",)),
        (("lab",), replace(WANTED, names=("localhost",)), ()),
    ],
    ids=["typed", "wildcard", "one of three", "--name", "on record", "this machine"],
)
def test_one_name_that_the_host_is_reached_by_is_enough(names: Any, wanted: Wanted, known: Any) -> None:
    facts = seen(NEW, choices={"made": Choices("0.2.0", names=dict.fromkeys(known, "flag"))})
    assert len(list(certificate.plan(bringing(three(*names), wanted), facts))) == 1


@pytest.mark.parametrize(
    ("names", "message", "fix"),
    [
        (("lab", "x"), "the certificate is for lab, x, and this host is reached by box.example.org", "--name=lab"),
        (("*.box.example.org",), "is for [*].box.example.org, and", "--name=box.box.example.org"),
        (("*.org",), "is for [*].org, and", "--name=box.org"),
    ],
)
def test_one_for_none_of_them_is_another_host_s(names: Any, message: str, fix: str) -> None:
    with pytest.raises(Refused, match=message) as error:
        list(certificate.plan(bringing(three(*names)), NEW))
    assert error.value.hint == f"if it is for this host, say by which name\nnbfab {fix}"
    named = wanting(names=[fix.partition("=")[2]])
    assert len(list(certificate.plan(bringing(three(*names), named), NEW))) == 1


def test_what_it_says_of_its_files_and_its_names_is_noted() -> None:
    brought = made(BOX).with_note("others can read the key here")
    wanted = replace(wanting(names=["lab"]), own=brought)
    assert list(certificate.notes(wanted, having(BOX))) == ["others can read the key here"]
    (note,) = certificate.standing(wanted, having(BOX))
    assert "not for lab, where browsers warn" in note


def test_a_key_that_nbfab_was_to_make_does_not_come_in_between() -> None:
    assert list(certificate.plan(replace(bringing(BOX), key=Key.new()), having(BOX))) == []
