"""The step `password`."""

import json
from dataclasses import replace

import pytest
from plan_cases import CLASSIC, KEEP, NEW, PASSWORD, WANTED, after, file, holding, seen

from nbfab.passwords import Password
from nbfab.plan import password

WITH_PASSWORD = after(NEW, password.plan(WANTED, NEW))


def test_a_new_host_gets_the_hash_of_the_password() -> None:
    (change,) = password.plan(WANTED, NEW)
    assert change.summary == "write the hash of the password"
    assert (change.args["file"], change.args["mode"], change.needs_restart) == (password.FILE, "600", True)
    (hashed,) = json.loads(change.args["content"])["IdentityProvider"].values()
    assert Password(PASSWORD).fits(hashed)
    assert PASSWORD not in change.args["content"]


def test_a_host_keeps_its_password_unless_another_is_given() -> None:
    facts = WITH_PASSWORD
    assert list(password.plan(KEEP, facts)) == []
    assert list(password.plan(replace(WANTED, password=Password(PASSWORD)), facts)) == []
    (change,) = password.plan(replace(WANTED, password=Password("another horse battery")), facts)
    assert change.summary == "rewrite the hash of the new password"
    assert change.needs_restart
    assert "$argon2id$" not in repr(change) + change.summary + change.diff


def test_a_host_without_a_password_needs_one() -> None:
    (change,) = password.plan(KEEP, NEW)
    assert (change.kind, change.summary) == ("set password", "set a password: there is none")
    assert password.missing(KEEP, NEW)
    assert not password.missing(WANTED, NEW)
    assert not password.missing(KEEP, WITH_PASSWORD)


def test_a_password_that_others_could_read_is_made_private() -> None:
    facts = holding(NEW, file(password.FILE, password.text(WANTED, NEW), mode="-rw-r--r--"))
    (change,) = password.plan(KEEP, facts)
    assert change.summary == "make the hash of the password private: its mode is -rw-r--r--"


def test_the_hash_moves_to_the_trait_of_notebook_6() -> None:
    facts = seen(WITH_PASSWORD, environments={"found": (CLASSIC,)})
    (change,) = password.plan(KEEP, facts)
    have = json.loads(facts.files.text(password.FILE))["IdentityProvider"]["hashed_password"]
    assert json.loads(change.args["content"]) == {"NotebookApp": {"password": have}}
    assert change.summary == "rewrite the hash of the password"
    assert change.diff == ""


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"IdentityProvider": {}}',
        '{"IdentityProvider": []}',
        '{"IdentityProvider": {"hashed_password": 7}}',
        '{"IdentityProvider": {"hashed_password": "argon2:x"}}',
        '{"IdentityProvider": {"hashed_password": "argon2:$argon2id$v=19$m=1,t=1,p=1$AA$AA\\n"}}',
    ],
)
def test_a_broken_password_file_holds_no_password(broken: str) -> None:
    assert password.known(holding(NEW, file(password.FILE, broken))) == ""


def test_a_file_with_two_hashes_holds_none() -> None:
    both = json.loads(password.text(WANTED, NEW)) | json.loads(
        password.text(WANTED, seen(environments={"found": (CLASSIC,)}))
    )
    assert password.known(holding(NEW, file(password.FILE, json.dumps(both)))) == ""
