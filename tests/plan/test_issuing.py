"""Certificates that an authority of the user's issues: which of the names, when, and when not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from authorities import authority, home_of, signer
from plan_cases import DAY, NEW, NOW, WANTED, certified, file, holding, seen, shown

from nbfab.authority.authority import Authority
from nbfab.authority.signer import Signer
from nbfab.errors import Refused
from nbfab.fix import Note
from nbfab.keys import Key
from nbfab.look.choices import Choices
from nbfab.look.facts import Facts
from nbfab.plan import certificate, pem
from nbfab.plan.change import Change
from nbfab.plan.steps import STEPS, notes, plan, standing
from nbfab.settings import Settings
from nbfab.wanted import Wanted


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signer, Signer]]:
    """Two authorities, for lab.example.org and for both that and new.example.org."""
    with home_of(tmp_path_factory.mktemp("home")):
        yield (
            signer(authority("lab.example.org", "10.3.0.0/16")),
            signer(authority("lab.example.org", "new.example.org")),
        )


@pytest.fixture
def lab(signers: tuple[Signer, Signer]) -> Signer:
    """The authority for lab.example.org."""
    return signers[0]


def wanting(lab: Signer, *names: str, issued: tuple[str, ...] = (), **settings: Any) -> Wanted:
    """What is wanted of a host that is reached by those names, HostName first."""
    parsed = Settings.parse(settings)
    return replace(WANTED, names=names, settings=parsed, authorities=(lab.authority,), issued=issued)


def made(wanted: Wanted, facts: Facts, *keys: Signer) -> tuple[Facts, Change, str]:
    """The host once the certificate is there, with the change, and the PEM."""
    (change,) = certificate.plan(wanted, facts)
    if change.kind == "renew certificate":
        wanted = replace(wanted, key=Key.load(OLD[0]))
        (change,) = certificate.plan(wanted, facts)
    if change.kind == "issue certificate":
        assert not change.args
        (wants,) = [key for key in keys if key.authority == certificate.issue(wanted, facts).authority]  # type: ignore[union-attr]
        (change,) = certificate.plan(replace(wanted, signer=wants), facts)
    text = change.args["content"]
    OLD[:] = [text]
    key = Key.load(text)
    assert key
    facts = seen(holding(facts, file(certificate.FILE, shown(text))), files={"key": key.public})
    assert list(certificate.plan(wanted, facts)) == []
    return facts, change, text


OLD = [""]


def test_no_certificate_is_issued_for_none_of_a_host_s_names(lab: Signer) -> None:
    """An alias that strict clients refuse, of an address that is outside."""
    wanted = wanting(lab, "192.0.2.7", "gpu_1")
    with pytest.raises(Refused, match=r"may not sign 192\.0\.2\.7") as error:
        list(certificate.plan(wanted, NEW))
    assert "nbfab ca --new --allow=192.0.2.7/32\n" in error.value.hint
    assert list(certificate.plan(wanted, certified(NEW, replace(wanted, authorities=())))) == []
    assert names_of(made(wanting(lab, "10.3.0.7", "gpu_1"), NEW, lab)[2]) == {"10.3.0.7"}


def names_of(text: str) -> set[str]:
    """The names in a certificate, beside those that each has."""
    found = pem.load(text)
    assert found
    return set(pem.names_in(found)) - {*certificate.ALWAYS}


def recorded(facts: Facts, *names: str) -> Facts:
    """A host whose record has those names."""
    return seen(facts, choices={"made": Choices("0.2.0", names=dict.fromkeys(names, "typed"))})


def test_an_authority_signs_what_is_asked_for_and_nothing_that_the_host_claims(lab: Signer) -> None:
    facts = recorded(seen(NEW, host={"names": ("box", "gpu9.lab.example.org", "10.3.0.9")}), "gpu8.lab.example.org")
    wanted = wanting(lab, "10.3.0.7", "gpu1.lab.example.org", names=["nb.lab.example.org"])
    (waits,) = certificate.plan(wanted, facts)
    assert (waits.kind, dict(waits.args)) == ("issue certificate", {})
    _, change, text = made(wanted, facts, lab)
    assert names_of(text) == {"10.3.0.7", "gpu1.lab.example.org", "nb.lab.example.org"}
    assert change.summary == (
        "make the certificate for 10.3.0.7, gpu1.lab.example.org, nb.lab.example.org, localhost, 127.0.0.1, ::1, "
        f"issued by {lab.authority.name}: there is none"
    )
    assert change.note == (
        "left out of the certificate, since only the host claims these: gpu8.lab.example.org, box, "
        "gpu9.lab.example.org, 10.3.0.9 "
        "(to ask here: --name gpu8.lab.example.org --name box --name gpu9.lab.example.org --name 10.3.0.9)"
    )
    found = pem.load(text)
    assert found
    assert lab.authority.has_issued(found)
    assert found.not_valid_after_utc.timestamp() == NOW + 365 * DAY


def test_the_days_are_those_that_are_wanted(lab: Signer) -> None:
    _, _, text = made(wanting(lab, "gpu1.lab.example.org", days=90), NEW, lab)
    found = pem.load(text)
    assert found
    assert pem.days_left(found, NOW) == 90


def test_no_certificate_is_for_longer_than_apple_s_systems_take(lab: Signer) -> None:
    wanted = wanting(lab, "gpu1.lab.example.org", days=3650)
    facts, _, text = made(wanted, NEW, lab)
    found = pem.load(text)
    assert found
    assert pem.days_left(found, NOW) == 825
    assert "3650 days are wanted, but an authority issues certificates for 825" in "".join(standing(wanted, facts))


@pytest.mark.parametrize(
    ("later", "changes", "reason"),
    [
        (0, {}, ""),
        (334, {}, ""),
        (336, {}, "it expires in 29 days"),
        (400, {}, "it has expired"),
        (0, {"days": 90}, "it is valid for 365 more days, but 90 are wanted"),
        (0, {"names": ["nb.lab.example.org"]}, "it lacks nb.lab.example.org"),
        (0, {"self_signed": True}, "it is an authority's, and a self-signed one is wanted"),
    ],
)
def test_one_that_was_issued_is_kept_while_it_fits_and_a_renewal_keeps_its_key(
    later: float, changes: dict[str, Any], reason: str, lab: Signer
) -> None:
    facts, _, _ = made(wanting(lab, "gpu1.lab.example.org"), NEW, lab)
    wanted = replace(wanting(lab, "gpu1.lab.example.org", **changes), now=NOW + later * DAY)
    facts = seen(facts, host={"clock": int(wanted.now)})
    changed = list(certificate.plan(wanted, facts))
    assert [change.reason for change in changed] == ([reason] if reason else [])
    assert all(change.kind == "renew certificate" and ", with the same key" in change.summary for change in changed)
    if reason:
        before = pem.load(OLD[0])
        _, _, text = made(wanted, facts, lab)
        after = pem.load(text)
        assert before
        assert after
        assert pem.pin(before) == pem.pin(after)
        assert lab.authority.has_issued(after) is not wanted.settings.self_signed


def test_a_self_signed_one_is_replaced_and_keeps_its_key(lab: Signer) -> None:
    text = pem.make(("gpu1.lab.example.org", *certificate.ALWAYS), 365, NOW, NOW)
    OLD[:] = [text]
    key = Key.load(text)
    assert key
    facts = seen(holding(NEW, file(certificate.FILE, shown(text))), files={"key": key.public})
    wanted = wanting(lab, "gpu1.lab.example.org")
    assert list(certificate.plan(replace(wanted, authorities=()), facts)) == []
    _, change, new = made(wanted, facts, lab)
    assert change.reason == f"it is self-signed, and {lab.authority.name} can issue one"
    assert ", with the same key" in change.summary
    loaded = Key.load(new)
    assert loaded
    assert loaded.public == key.public
    assert list(certificate.plan(wanting(lab, "gpu1.lab.example.org", self_signed=True), facts)) == []


def test_a_typed_name_outside_is_refused_with_what_allows_all_of_them(lab: Signer) -> None:
    wanted = wanting(lab, "192.0.2.9", "gpu1.new.example.org", names=["gpu1.lab.example.org", "gpu1"])
    with pytest.raises(Refused, match=f"{lab.authority.name} may not sign gpu1.new.example.org, gpu1") as error:
        list(certificate.plan(wanted, NEW))
    assert error.value.hint.splitlines() == [
        "make another authority, which may",
        "nbfab ca --new --allow=gpu1 --allow=lab.example.org --allow=new.example.org --allow=192.0.2.9/32",
        "or have the host sign its certificate itself",
        "nbfab --self-signed",
    ]
    with pytest.raises(Refused, match="may not sign"):
        plan(wanted, NEW, STEPS)


def test_one_for_this_machine_alone_is_refused_as_such(tmp_path: Path) -> None:
    with home_of(tmp_path):
        wanted = wanting(signer(authority()), "gpu1")
    with pytest.raises(Refused, match=f"{wanted.authorities[0].name} may sign for this machine alone, not for gpu1"):
        list(certificate.plan(wanted, NEW))


def test_two_authorities_live_side_by_side_and_the_first_that_may_sign_all_of_it_does(
    signers: tuple[Signer, Signer],
) -> None:
    lab, new = signers

    def issuer(*names: str) -> Authority | None:
        wanted = replace(wanting(lab, *names[:1], names=names[1:]), authorities=(lab.authority, new.authority))
        made(wanted, NEW, lab, new)
        found = certificate.issue(wanted, NEW)
        return found.authority if found else None

    assert issuer("gpu1.lab.example.org") == lab.authority
    assert issuer("gpu1.lab.example.org", "nb.new.example.org") == new.authority
    with pytest.raises(Refused, match=r"none of your 2 authorities may sign all of 10.3.0.7, gpu1.new.example.org tog"):
        issuer("10.3.0.7", "gpu1.new.example.org")
    with pytest.raises(Refused, match=r"none of your 2 authorities may sign other\.example\.net"):
        issuer("other.example.net")


def test_one_of_the_first_authority_stays_though_a_second_is_made(signers: tuple[Signer, Signer]) -> None:
    lab, new = signers
    facts, _, _ = made(wanting(new, "gpu1.lab.example.org"), NEW, new)
    both = replace(wanting(lab, "gpu1.lab.example.org"), authorities=(lab.authority, new.authority))
    assert list(certificate.plan(both, facts)) == []


def test_what_ssh_config_makes_of_a_name_is_left_out_where_it_does_not_fit(lab: Signer) -> None:
    wanted = wanting(lab, "192.0.2.9", "gpu1.lab.example.org")
    facts, _, text = made(wanted, NEW, lab)
    assert names_of(text) == {"gpu1.lab.example.org"}
    assert (
        "left out of the certificate, since the authority may not sign it: 192.0.2.9\n"
        "nbfab ca --new --allow=lab.example.org --allow=192.0.2.9/32"
    ) in standing(wanted, facts)


def test_a_name_with_an_underscore_is_left_out(lab: Signer) -> None:
    wanted = wanting(lab, "10.3.0.7", "my_box", names=["*.test"])
    facts, _, text = made(wanted, NEW, lab)
    assert names_of(text) == {"10.3.0.7"}
    note = "left out of the certificate, since strict clients would refuse all of it: my_box, *.test"
    assert note in standing(wanted, facts)


def test_a_renewal_keeps_the_names_that_were_issued_here_before_unless_they_were_dropped(lab: Signer) -> None:
    issued = ("gpu1.lab.example.org", "nb.lab.example.org", "gone.example.net")
    facts = recorded(NEW, *issued)
    wanted = wanting(lab, "gpu1.lab.example.org", issued=issued)
    facts, _, text = made(wanted, facts, lab)
    assert names_of(text) == {"gpu1.lab.example.org", "nb.lab.example.org"}
    dropping = replace(wanted, drops=("nb.lab.example.org",))
    _, change, text = made(dropping, facts, lab)
    assert change.reason == "it still has nb.lab.example.org"
    assert names_of(text) == {"gpu1.lab.example.org"}
    # Of what was dropped while the certificate was self-signed, only the host's record knows.
    assert certificate.issue(wanted, recorded(NEW, "gpu1.lab.example.org")).names == (  # type: ignore[union-attr]
        "gpu1.lab.example.org",
    )


def test_a_self_signed_certificate_that_fits_stays_where_no_authority_may_sign(lab: Signer) -> None:
    facts, wanted = certified(), replace(WANTED, authorities=(lab.authority,))
    assert list(certificate.plan(wanted, facts)) == []
    words = f"the certificate stays self-signed: {lab.authority.name} may not sign box.example.org"
    (note,) = [note for note in standing(wanted, facts) if "self-signed" in note]
    assert str(note).splitlines()[::2] == [words, "nbfab ca --new --allow=box.example.org"]
    with pytest.raises(Refused, match=r"may not sign box\.example\.org, lab"):
        list(certificate.plan(replace(wanted, settings=Settings.parse({"names": ["lab"]})), facts))


def test_an_authority_that_ends_issues_nothing_and_says_so_in_time(lab: Signer) -> None:
    end = lab.authority.ends.timestamp()
    wanted = wanting(lab, "gpu1.lab.example.org")

    def late(days: float) -> Wanted:
        return replace(wanted, now=end - days * DAY)

    def at(days: float, facts: Facts = NEW) -> Facts:
        return seen(facts, host={"clock": int(end - days * DAY)})

    facts, _, text = made(late(80), at(80), lab)
    found = pem.load(text)
    assert found
    assert found.not_valid_after_utc == lab.authority.ends
    (note,) = [note for note in notes(late(80), facts) if isinstance(note, Note)]
    assert note.words == f"{lab.authority.name}, which has issued the certificate, ends in 80 days"
    assert str(note).splitlines()[-1] == "nbfab ca --new --allow=lab.example.org --allow=10.3.0.0/16"
    assert list(certificate.plan(late(31), at(31, facts))) == []
    for days, words in ((29, "ends in 29 days"), (-3, "has ended")):
        with pytest.raises(Refused, match=f"{lab.authority.name} {words}, and issues no more") as error:
            list(certificate.plan(late(days), at(days, facts)))
        assert "nbfab ca --new --allow=lab.example.org" in error.value.hint


def test_no_change_shows_the_key_of_an_authority(lab: Signer, tmp_path: Path) -> None:
    secret = (lab.authority.folder / "key.pem").read_text()
    wanted = replace(wanting(lab, "gpu1.lab.example.org"), signer=lab)
    changes = plan(wanted, NEW, STEPS)
    for line in secret.splitlines()[1:-1]:
        assert line not in repr((wanted, changes))
        assert not [change for change in changes if line in "".join((*change.words, *change.args.values()))]
