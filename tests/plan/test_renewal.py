"""Renewals of a certificate: which names and which key it keeps, whatever was typed before."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import DAY, NEW, NOW, WANTED, certified, file, holding, seen, shown, wanting

from nbfab.errors import HostError, UsageError
from nbfab.keys import Key
from nbfab.look.choices import Choices
from nbfab.look.facts import Facts
from nbfab.plan import certificate, drops, pem
from nbfab.plan.adopt import adopt
from nbfab.plan.change import Change
from nbfab.settings import Settings
from nbfab.wanted import Wanted


class Box:
    """A host that has a certificate, or none, and, if it `records`, a note of the names that were asked for."""

    def __init__(self, facts: Facts = NEW, *, records: bool = True) -> None:
        self.facts, self.records, self.pem = facts, records, ""

    def run(self, wanted: Wanted) -> list[Change]:
        """What a run changes, which fetches the key if it has to."""
        self.facts = adopt(self.facts)
        changes = list(certificate.plan(wanted, self.facts))
        if [change.kind for change in changes] == ["renew certificate"]:
            wanted = replace(wanted, key=Key.load(self.pem))
            changes = list(certificate.plan(wanted, self.facts))
        names = certificate.asked(wanted, self.facts)
        for change in changes:
            self.pem = change.args["content"]
            self.facts = holding(self.facts, file(certificate.FILE, shown(self.pem)))
        made = Choices("0.2.0", names=names) if self.records else Choices()
        self.facts = adopt(seen(self.facts, choices={"made": made}))
        assert list(certificate.plan(wanted, self.facts)) == []
        return changes

    @property
    def certificate(self) -> x509.Certificate:
        found = pem.load(self.pem)
        assert found
        return found

    @property
    def names(self) -> set[str]:
        """The names in its certificate, beside those that each has."""
        return set(pem.names_in(self.certificate)) - {*certificate.ALWAYS}

    @property
    def pin(self) -> str:
        return pem.pin(self.certificate)


def typing(*names: str, **settings: Any) -> Wanted:
    """What is wanted of a host that is reached by those names."""
    return replace(WANTED, names=names, settings=Settings.parse(settings))


def recorded(facts: Facts, *names: str) -> Facts:
    """A host whose record has those names."""
    return seen(facts, choices={"made": Choices("0.2.0", names=dict.fromkeys(names, "typed"))})


ALIASES = st.sampled_from(["gpu1", "gpu1.example.org", "GPU1.example.org", "192.0.2.9", "2001:db8::9"])


@given(st.lists(ALIASES, min_size=1), st.booleans())
def test_whatever_order_names_are_typed_in_the_key_stays_and_each_name_is_added_once(
    typed: list[str], records: bool
) -> None:
    box = Box(records=records)
    box.run(typing(typed[0]))
    pin, seen = box.pin, {typed[0].lower()}
    for name in typed[1:]:
        known = name.lower() in box.names
        changes = box.run(typing(name))
        assert bool(changes) == (not known)
        assert box.pin == pin
        seen.add(name.lower())
        if records:
            assert seen <= box.names


@pytest.mark.parametrize("records", [True, False])
def test_two_operators_with_two_names_settle_after_one_renewal(records: bool) -> None:
    box = Box(records=records)
    runs = [box.run(typing(name)) for name in ("gpu1", "gpu1.example.org") * 2]
    assert [len(changes) for changes in runs] == [1, 1, 0, 0]
    assert box.names == {"gpu1", "gpu1.example.org", "box", "192.0.2.7"}
    assert "with the same key: it lacks gpu1.example.org" in runs[1][0].summary


def test_a_name_that_was_only_found_comes_and_goes_and_never_makes_a_certificate() -> None:
    box = Box()
    box.run(typing("gpu1"))
    box.facts = seen(box.facts, host={"names": ("box", "172.17.0.1", "10.8.0.2")})
    assert box.run(typing("gpu1")) == []
    assert "192.0.2.7" in box.names
    box.run(typing("gpu1", names=["lab"]))
    assert box.names == {"gpu1", "lab", "box", "172.17.0.1", "10.8.0.2"}


def test_without_a_record_a_name_in_the_certificate_is_kept() -> None:
    facts = certified(NEW, names=("old.example.org", "172.17.0.1", "box", "localhost", "127.0.0.1", "::1"))
    facts = adopt(facts)
    (change,) = certificate.plan(WANTED, facts)
    assert "for old.example.org, 172.17.0.1, box.example.org, box, 192.0.2.7, localhost," in change.summary
    assert certificate.asked(WANTED, facts) == {
        "old.example.org": "earlier",
        "172.17.0.1": "earlier",
        "box.example.org": "typed",
    }
    broken = adopt(seen(facts, choices={"made": Choices("0.2.0", broken="it is too long")}))
    assert certificate.asked(WANTED, broken) == certificate.asked(WANTED, facts)
    assert certificate.asked(WANTED, recorded(facts)) == {"box.example.org": "typed"}


def test_where_each_name_was_asked_for() -> None:
    settings = Settings.gather({"names": ["Flag.example.org"], "ip": None}, {"ip": "192.0.2.5"}, {})
    facts = seen(NEW, choices={"made": Choices("0.2.0", names={"OLD": "inventory", "box.example.org": "flag"})})
    assert certificate.asked(replace(WANTED, settings=settings), facts) == {
        "old": "inventory",
        "box.example.org": "flag",
        "flag.example.org": "flag",
        "192.0.2.5": "configuration",
    }


def test_what_every_certificate_has_is_asked_for_by_no_one() -> None:
    wanted = typing("localhost", "127.0.0.1", "fe80::1%eth0", ip="localhost", names=["::1"])
    assert certificate.asked(wanted, recorded(NEW, "localhost")) == {}


def test_the_names_that_only_the_host_has_are_told_with_the_option_that_asks_for_them() -> None:
    facts = recorded(NEW, "gpu1", "box.example.org", "192.0.2.9")
    (change,) = certificate.plan(WANTED, facts)
    assert change.note == (
        "kept from the host's own record: gpu1, 192.0.2.9 (to ask here: --name gpu1 --name 192.0.2.9)"
    )
    assert certificate.asked_here(WANTED.names, WANTED.settings) == {"box.example.org": "typed"}
    (change,) = certificate.plan(wanting(names=["gpu1", "192.0.2.9"]), facts)
    assert change.note == ""


def test_a_certificate_has_at_most_a_hundred_names_and_the_host_s_own_come_last() -> None:
    many = tuple(f"n{number}" for number in range(98))
    crowded = seen(NEW, host={"names": tuple(f"found{number}" for number in range(50))})
    names = certificate.names(typing(*many), crowded)
    assert names == (*many, "found0", "found1", *certificate.ALWAYS)
    box = Box(crowded)
    box.run(typing(*many, "m1", "m2"))
    assert len(box.names) == 100
    with pytest.raises(HostError, match="101 names are asked for, and a certificate has at most 100: n0, n1") as error:
        box.run(typing("one-more"))
    assert error.value.hint == "drop one of them\nnbfab certificate --drop-name=one-more"
    box.run(replace(typing("one-more"), drops=("n0",)))
    assert "one-more" in box.names
    assert "n0" not in box.names


def test_a_certificate_that_claims_more_names_than_fit_does_not_fail_a_run() -> None:
    claimed = tuple(f"n{number}" for number in range(150))
    facts = adopt(certified(NEW, names=(*claimed, *certificate.ALWAYS)))
    (change,) = certificate.plan(WANTED, facts)
    assert "it lacks box.example.org" in change.reason
    assert len(certificate.asked(WANTED, facts)) == 51


@pytest.mark.parametrize("records", [True, False])
def test_a_dropped_name_is_gone_for_good_and_the_key_stays(records: bool) -> None:
    box = Box(records=records)
    box.run(typing("gpu1", names=["old.example.org"]))
    pin = box.pin
    (change,) = box.run(replace(typing("gpu1"), drops=("old.example.org",)))
    assert "with the same key: it still has old.example.org" in change.summary
    assert box.names == {"gpu1", "box", "192.0.2.7"}
    assert box.pin == pin
    assert box.run(typing("gpu1")) == []
    assert box.run(replace(typing("gpu1"), drops=("old.example.org",))) == []


def test_a_dropped_name_that_the_host_has_itself_stays_out_of_that_certificate() -> None:
    box = Box()
    box.run(typing("gpu1"))
    box.run(replace(typing("gpu1"), drops=("192.0.2.7", "box")))
    assert box.names == {"gpu1"}
    assert box.run(typing("gpu1")) == []


@pytest.mark.parametrize(
    ("given", "settings", "message"),
    [
        ("localhost", {}, "localhost cannot be dropped: every certificate has it"),
        ("0:0::1", {}, "::1 cannot be dropped: every certificate has it"),
        ("GPU1", {}, "gpu1 cannot be dropped, .* add it again: it is how this one reaches the host"),
        ("lab", {"names": ["LAB"]}, "lab cannot be dropped, .* add it again: it is from --name"),
        ("192.0.2.5", {"ip": "192.0.2.5"}, "192.0.2.5 cannot be dropped, .* add it again: it is from --ip"),
        ("no name", {}, "drop-name must be DNS names or IP addresses, not 'no name'"),
        ("", {}, "drop-name must be DNS names or IP addresses, not ''"),
    ],
)
def test_a_name_that_cannot_be_dropped(given: str, settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.compile(message)):
        drops.parse((given,), ("gpu1",), Settings.parse(settings))


def test_a_name_of_the_inventory_cannot_be_dropped() -> None:
    with pytest.raises(UsageError, match="it is from the inventory"):
        drops.parse(("lab",), ("gpu1",), Settings.gather({}, {}, {"names": ["lab"]}))


def test_names_to_drop_are_written_as_in_a_certificate() -> None:
    given = ("Old.Example.org", "bücher.example", "2001:DB8::1")
    assert drops.parse(given, (), Settings()) == ("old.example.org", "xn--bcher-kva.example", "2001:db8::1")


def test_a_name_that_is_not_there_is_noted() -> None:
    facts = recorded(certified(names=("box.example.org", "in-it", *certificate.ALWAYS)), "on-record")
    wanted = replace(WANTED, drops=("in-it", "on-record", "typo"))
    assert list(drops.absent(wanted, facts)) == ["typo is none of the certificate's names, so there is nothing to drop"]


@pytest.mark.parametrize(
    ("facts", "wanted", "key"),
    [
        (certified(), wanting(days=20), "the same"),
        (certified(), replace(WANTED, now=NOW + 350 * DAY), "the same"),
        (certified(), replace(WANTED, now=NOW + 400 * DAY), "the same"),
        (certified(), wanting(names=["lab"]), "the same"),
        (seen(certified(), files={"key": "", "key_loads": True}), wanting(names=["lab"]), "the same"),
        (seen(certified(), files={"key": "another"}), WANTED, "a new"),
        (seen(certified(), files={"key_loads": False}), wanting(names=["lab"]), "a new"),
        (certified(mode="-rw-r--r--"), wanting(names=["lab"]), "a new"),
        (certified(), replace(WANTED, key=Key.new()), "a new"),
    ],
    ids=["days", "late", "too late", "name", "unknown", "another", "unreadable", "exposed", "--new-key"],
)
def test_a_renewal_keeps_the_key_unless_that_cannot_be(facts: Facts, wanted: Wanted, key: str) -> None:
    (change,) = certificate.plan(wanted, facts)
    assert f", with {key} key: " in change.summary
    assert (change.kind == "renew certificate") == (key == "the same")
    assert bool(change.args) == (key == "a new")


def test_a_new_key_is_made_once() -> None:
    box = Box()
    box.run(typing("gpu1"))
    pin = box.pin
    wanted = replace(typing("gpu1"), key=Key.new())
    (change,) = box.run(wanted)
    assert change.reason == "a new key is wanted"
    assert box.pin != pin
    assert box.run(wanted) == []
    assert box.run(typing("gpu1")) == []


def test_the_pin_is_the_one_that_openssl_computes(tmp_path: Path) -> None:
    text = pem.make(("box",), 1, NOW, NOW)
    (tmp_path / "pem").write_text(text)
    command = "openssl x509 -in pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary"
    done = subprocess.run(f"{command} | openssl base64", shell=True, cwd=tmp_path, capture_output=True, check=True)
    cert, key = pem.load(text), Key.load(text)
    assert cert
    assert key
    assert pem.pin(cert) == f"sha256//{done.stdout.decode().strip()}"
    der = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert pem.public_key(cert) == key.public
    assert len(der) == 91
