"""A certificate that nbfab did not make: it stays, and what is amiss with it is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID
from issuers import Issued, three
from plan_cases import DAY, NEW, NOW, WANTED, file, holding, seen, wanting

from nbfab.authority.authority import Authority
from nbfab.errors import Refused
from nbfab.keys import Key
from nbfab.look.facts import Facts
from nbfab.plan import certificate, pem, rotation
from nbfab.plan.adopt import adopt
from nbfab.settings import Settings
from nbfab.wanted import Wanted


def having(leaf: Issued, *, mode: str = "-rw-------", **files: Any) -> Facts:
    """A host that has that certificate, and its chain."""
    key = leaf.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return seen(holding(NEW, file(certificate.FILE, leaf.chain, mode)), files={"key": key, **files})


BOX = three("box.example.org", now=NOW)
REISSUE = "to have nbfab make both\nnbfab certificate --reissue"


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (having(BOX), WANTED),
        (having(BOX), wanting(names=["lab"])),
        (having(BOX), wanting(days=20)),
        (having(BOX), replace(WANTED, drops=("box.example.org",))),
        (having(BOX), replace(WANTED, now=NOW + 89 * DAY)),
        (having(BOX, key="", key_loads=True), WANTED),
        (having(three("*.example.org", now=NOW, kind="RSA-2048")), WANTED),
        (having(three("other.example.org", now=NOW, kind="P-384")), WANTED),
        (having(three("box.example.org", now=NOW, days=800)), WANTED),
        (having(Issued.root("box", now=NOW)), WANTED),
    ],
    ids=("fits", "more names", "days", "fewer", "late", "key", "wildcard", "other", "long", "self-signed"),
)
def test_one_that_serves_stays(facts: Facts, wanted: Wanted) -> None:
    assert list(certificate.plan(wanted, facts)) == []
    assert list(certificate.plan(wanted, adopt(facts))) == []


@pytest.mark.parametrize(
    ("facts", "wanted", "message"),
    [
        (
            having(BOX),
            replace(WANTED, now=NOW + 93 * DAY),
            "the certificate there, issued by CN=Lab CA 1, has expired, 3 days ago",
        ),
        (having(BOX, key="another"), WANTED, "does not match the key with it"),
        (having(BOX, key_loads=False), WANTED, "does not match the key with it"),
        (having(BOX), replace(WANTED, key=Key.new()), "so nbfab makes no new key for it"),
    ],
)
def test_one_that_serves_no_more_is_refused_with_what_to_do(facts: Facts, wanted: Wanted, message: str) -> None:
    with pytest.raises(Refused, match=message) as error:
        list(certificate.plan(wanted, facts))
    assert error.value.hint.endswith("nbfab certificate --reissue")
    (change,) = certificate.plan(replace(wanted, reissue=True), facts)
    assert change.kind == "write"
    assert "-----BEGIN PRIVATE KEY-----" in change.args["content"]


def test_one_that_cannot_be_read_here_stays_too_unless_it_is_cut_short() -> None:
    """Such as one whose subjectAltName has a kind of name (RFC 5280, ediPartyName) that cryptography refuses."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box.example.org")])
    at = datetime.fromtimestamp(NOW, UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(at).not_valid_after(at + timedelta(days=9))
    odd = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3006a504a1020c00"))
    text = builder.add_extension(odd, critical=False).sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    facts = holding(NEW, file(certificate.FILE, text))
    assert pem.load(text) is None
    assert list(certificate.plan(WANTED, facts)) == []
    (note,) = certificate.standing(WANTED, facts)
    assert str(note).startswith("nbfab cannot read the certificate, and did not make it, so it stays")
    made, why = rotation.key(WANTED, facts)
    assert made is None
    assert "stay" in why
    (change,) = certificate.plan(replace(WANTED, reissue=True), facts)
    assert change.reason == "the one there cannot be read"
    lines = text.splitlines()
    cut = "\n".join((*lines[:3], lines[-1], ""))
    (change,) = certificate.plan(WANTED, holding(NEW, file(certificate.FILE, cut)))
    assert change.reason == "the one there cannot be read"


def test_reissue_replaces_it_with_a_new_key_and_then_has_no_more_to_do() -> None:
    wanted = replace(WANTED, reissue=True)
    (change,) = certificate.plan(wanted, having(BOX))
    assert change.summary.startswith("renew the certificate for box.example.org, ")
    assert change.reason == "the one there, issued by CN=Lab CA 1, is to be replaced; nbfab did not make its key"
    made = pem.load(change.args["content"])
    assert made
    assert pem.is_self_signed(made)
    after = holding(NEW, file(certificate.FILE, made.public_bytes(Encoding.PEM).decode()))
    assert list(certificate.plan(wanted, after)) == []


def test_self_signed_replaces_it_where_it_was_typed_and_a_choice_of_before_does_not() -> None:
    def wants(source: str) -> Wanted:
        return replace(WANTED, settings=Settings.parse({"self_signed": True}, source))

    assert len(list(certificate.plan(wants("flag"), having(BOX)))) == 1
    for source in ("inventory", "environment", "configuration"):
        assert list(certificate.plan(wants(source), having(BOX))) == []
    kept = replace(wants("flag"), given=Settings(), kept=frozenset({"self_signed"}))
    assert list(certificate.plan(kept, having(BOX))) == []


def test_one_of_the_user_s_own_authority_is_none() -> None:
    root = Issued.root(now=NOW)
    facts = having(root.issue("box.example.org", ["box.example.org", *certificate.ALWAYS], now=NOW))
    wanted = replace(WANTED, authorities=(Authority(Path(), root.certificate),))
    assert not list(certificate.standing(wanted, facts))
    assert list(certificate.standing(WANTED, facts))


def test_one_whose_key_others_could_read_is_made_private_and_a_note_says_so() -> None:
    facts = having(BOX, mode="-rw-r--r--")
    (change,) = certificate.plan(WANTED, facts)
    assert (change.kind, change.reason) == ("make private", "its mode is -rw-r--r--")
    assert change.args == {"file": certificate.FILE, "mode": "600"}
    assert change.note.startswith("others could read the key of the certificate that CN=Lab CA 1 has issued")


@pytest.mark.parametrize(
    ("leaf", "wanted", "words"),
    [
        (BOX, WANTED, "issued by CN=Lab CA 1, 90 days left"),
        (BOX, wanting(names=["lab", "*.example.org"]), "90 days left, not for lab, *.example.org, where browsers warn"),
        (three("*.example.org", now=NOW), wanting(names=["a.b.example.org"]), "not for a.b.example.org, where"),
    ],
)
def test_whose_it_is_and_which_names_it_lacks_is_said(leaf: Issued, wanted: Wanted, words: str) -> None:
    (note,) = certificate.standing(wanted, having(leaf))
    assert note.splitlines()[0].endswith(words) or words in note
    assert ("nbfab certificate --reissue" in note) == ("not for" in words)


@pytest.mark.parametrize(
    ("days", "life", "words"),
    [
        (22, 90, []),
        (20, 90, ["its certificate, issued by CN=Lab CA 1, has 20 days left"]),
        (3, 5, []),
        (1, 5, ["its certificate, issued by CN=Lab CA 1, has 1 days left"]),
    ],
)
def test_one_that_ends_soon_is_noted_by_its_length(days: int, life: int, words: list[str]) -> None:
    leaf = three("box.example.org", now=NOW, start=days - life, days=days)
    notes = list(certificate.notes(WANTED, having(leaf)))
    assert [note.splitlines()[0] for note in notes] == words
    for note in notes:
        assert note.endswith("nbfab certificate --certificate=FULLCHAIN.pem --key=KEY.pem")


def test_an_intermediate_that_ends_earlier_is_noted() -> None:
    intermediate = Issued.root(now=NOW).issue("Lab CA 1", ca=True, start=-100, days=12, now=NOW)
    leaf = intermediate.issue("box.example.org", ["box.example.org"], now=NOW)
    (note,) = certificate.notes(WANTED, having(leaf))
    assert note.startswith("CN=Lab CA 1, which stands behind its certificate, has 12 days left")
    later = replace(WANTED, now=NOW + 13 * DAY)
    (note,) = certificate.notes(later, seen(having(leaf), host={"clock": later.now}))
    assert note.startswith("CN=Lab CA 1, which stands behind its certificate, has expired")


def test_its_names_and_days_are_not_taken_over_as_choices() -> None:
    facts = adopt(having(Issued.root("box", now=NOW).issue("other", ["other"], now=NOW, start=-1, days=100)))
    assert certificate.asked(WANTED, facts) == {"box.example.org": "typed"}
    assert "days" not in facts.choices.made.options
