"""Converge: what becomes of a password, however the run ends."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from authorities import authority, home_of
from plan_cases import KEEP, NEW

from nbfab.authority import issued
from nbfab.errors import ConnectError
from nbfab.outcome import Outcome
from nbfab.passwords import Password, generate
from nbfab.plan import certificate, password
from nbfab.run import converge, see
from nbfab.run.job import Job
from nbfab.settings import Settings
from nbfab.user import NoUser

FACTS: list[dict[str, Any]] = [
    {"host.uid": "1000", "host.clock": "1800000000"},
    {"choices.port": "9999", "choices.directory": "", "choices.python": "", "choices.app": "notebook"},
    {"files.folder": "/x/nbserver", "files.directory": "/home/ann", "files.directory_state": "ok"},
    {"files.nearest": "/x/nbserver", "files.writable": "yes", "files.state": "folder"},
]
DOING, DONE = {"doing": 0, "text": ""}, {"done": 0, "text": ""}
CUT = ConnectError("the connection was cut")
UNCERTAIN = "not certain: the password counts if the host got as far as that"


class Scripted:
    """A host that reports those records on the changes that it is sent, and then fails."""

    label, local, names, ssh, remarks = "box", False, ("box",), "box", ()

    def __init__(self, records: list[Any], error: BaseException) -> None:
        self.records, self.error = records, error

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        begin, _ = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        yield begin + b"\n"
        for record in self.records:
            yield json.dumps(record).encode() + b"\n"
        raise self.error

    def close(self) -> None:
        pass

    def renew(self) -> None:
        pass


class Operator(NoUser):
    """Chooses a generated password, and keeps what it is told of it."""

    def __init__(self) -> None:
        self.chosen = generate()
        self.told: list[bool] = []

    def chooses_password(self, settings: Settings) -> Password:
        return self.chosen

    def password_is_set(self, *, certain: bool) -> None:
        self.told.append(certain)


def ended(records: list[Any], error: BaseException, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, Operator]:
    """How setting a password on a new host ends, and what its user was told."""
    monkeypatch.setattr(see, "look", lambda host, request: NEW)
    user = Operator()
    return converge.converge(Job("password", Scripted(records, error), KEEP, user), (password.STEP,)), user


@pytest.mark.parametrize("error", [CUT, KeyboardInterrupt()])
@pytest.mark.parametrize("records", [[], [DOING]])
def test_without_the_host_s_word_a_password_is_shown_as_not_certain(
    records: list[Any], error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, user = ended(records, error, monkeypatch)
    assert user.told == [False]
    assert outcome.password == user.chosen.reveal()
    assert outcome.notes == (UNCERTAIN,)


def test_a_password_whose_hash_is_in_place_is_shown_whatever_happens_then(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, user = ended([DOING, DONE], CUT, monkeypatch)
    assert user.told == [True]
    assert outcome.password == user.chosen.reveal()
    assert not outcome.notes


@pytest.mark.parametrize("records", [[], [DOING]])
def test_a_password_that_the_host_has_refused_is_not_shown(records: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as that of an operator who comes second."""
    refused = {"failed": 0, "text": "another run of nbfab is at work there"}
    outcome, user = ended([*records, refused], CUT, monkeypatch)
    assert "at work there" in outcome.error
    assert user.told == []
    assert not outcome.password
    assert not outcome.notes


@pytest.mark.parametrize("records", [[], [DOING], [DOING, {"failed": 0, "text": "the disk is full"}]])
def test_a_certificate_that_a_host_may_have_is_on_record_whatever_it_reports(
    records: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(see, "look", lambda host, request: NEW)
    with home_of(tmp_path):
        lab = authority("box.example.org")
        wanted = replace(KEEP, authorities=(lab,))
        outcome = converge.converge(Job("certificate", Scripted(records, CUT), wanted), (certificate.STEP,))
        assert outcome.status
        (line,) = issued.read(lab)
    assert (line["host"], line["names"]) == ("box", ["box.example.org"])
