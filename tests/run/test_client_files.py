"""The file that `client.add` makes: who can read it, what reads it, and when there is none."""

import json
import re
from pathlib import Path

import pytest
from client_certificates import given, openssl_says
from machine import Machine


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that is set up but for the server, which these tests do not need; the password is enough there."""
    machine = Machine(tmp_path_factory.mktemp("ready"), program="nbfab")
    machine.ok("setup")
    machine.ok("stop")
    return machine


@pytest.fixture(autouse=True)
def _clean(ready: Machine) -> None:
    for file in ready.work.iterdir():
        file.unlink()


def test_openssl_reads_both_forms(ready: Machine) -> None:
    new = given(ready.ok("client.add", "new", "--output", "new.p12"))
    old = given(ready.ok("client.add", "old", "--output", "old.p12", "--legacy"))
    said = openssl_says(new.path, new.password)
    assert "PBES2, PBKDF2, AES-256-CBC, Iteration 50000, PRF hmacWithSHA256" in said
    assert "CN = new" in said
    assert re.search(r"MAC: ?sha256", said)
    said = openssl_says(old.path, old.password)
    assert "pbeWithSHA1And3-KeyTripleDES-CBC" in said
    assert re.search(r"MAC: ?sha1", said)
    assert "invalid password" in openssl_says(new.path, "wrong")


def test_it_is_for_its_owner_alone_and_its_password_is_shown_once(ready: Machine) -> None:
    ready.ok("client.add", "bea")
    (file,) = ready.work.glob("bea-*.p12")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in ready.work.iterdir()] == [file.name]
    document = json.loads(ready.run("client.add", "cleo", "--json").stdout)
    (host,) = document["hosts"]
    password = host["password"]
    assert re.fullmatch(r"([a-z2-7]{5}-){3}[a-z2-7]{5}", password)
    assert "CN = cleo" in openssl_says(Path(host["state"]["p12"]), password)
    assert "cleo" in [client["name"] for client in host["state"]["clients"]]
    everything = [path.read_bytes() for path in ready.home.rglob("*") if path.is_file()]
    assert not any(password.encode() in text for text in everything)


def test_a_name_is_taken_once_unless_the_old_one_is_to_be_replaced(ready: Machine) -> None:
    ready.ok("client.add", "dan")
    before = (ready.folder / "clients.pem").read_text()
    refused = ready.json("client.add", "dan", "--output", "again.p12")
    assert refused["verdict"] == "refused"
    assert re.fullmatch(r"there is a client dan already, added by \S+@\S+, with 365 days left", refused["error"])
    assert refused["fix"] == [{"command": "nbfab client.add dan --replace", "on": ""}]
    assert not (ready.work / "again.p12").exists()
    assert (ready.folder / "clients.pem").read_text() == before
    said = ready.ok("client.add", "dan", "--replace", "--days", "30", "--output", "again.p12")
    assert "replace the client dan" in said
    assert given(said).path == ready.work / "again.p12"
    (dan,) = [one for one in ready.json("client.list")["state"]["clients"] if one["name"] == "dan"]
    assert dan["days_left"] == 30


def test_a_file_that_is_there_stays(ready: Machine) -> None:
    (ready.work / "mine.p12").write_text("mine")
    said = ready.fails("client.add", "eli", "--output", "mine.p12")
    assert f"{ready.work}/mine.p12 is there already, and stays as it is" in said
    assert "name another by --output" in said
    assert (ready.work / "mine.p12").read_text() == "mine"
    said = ready.fails("client.add", "eli", "--output", "nowhere/mine.p12", status=2)
    assert "could not be written: No such file or directory" in said
    assert "eli" not in ready.ok("client.list")


@pytest.mark.parametrize("name", ["a b", "../a", "ann@laptop", "", "x" * 65])
def test_a_name_that_will_not_do_is_refused_before_anything_is_made(ready: Machine, name: str) -> None:
    said = ready.fails("client.add", name, status=2)
    assert f"{name!r} is not a name for a client" in said
    assert "letters, digits, and . _ - between them, at most 64 characters" in said
    assert not list(ready.work.iterdir())


def test_a_name_has_to_be_given(ready: Machine) -> None:
    for task in ("client.add", "client.remove"):
        said = ready.fails(task, status=2)
        assert said == f"nbfab: {task} needs a name after it\n  fix          nbfab --help {task}\n"


def test_who_is_not_there_is_not_removed(ready: Machine) -> None:
    ready.ok("client.add", "finn")
    said = ready.fails("client.remove", "fin")
    assert "there is no client 'fin'" in said
    assert "did you mean finn?" in said
    assert "remove the client finn" in ready.ok("client.remove", "finn")
    assert "finn" not in ready.ok("client.list")


def test_they_can_be_made_before_they_are_asked_for(ready: Machine) -> None:
    said = ready.ok("client.add", "gil")
    assert "client certificates are off there, so the password alone is enough; to turn them on" in said
    assert "\n               nbfab setup --client-certificates\n" in said
    assert "no browser is admitted yet" not in ready.ok("setup", "--client-certificates")
    ready.ok("setup", "--no-client-certificates")
    ready.ok("stop")


def test_nothing_that_is_not_set_up_has_clients(ready: Machine) -> None:
    for words in (("client.add", "ann"), ("client.remove", "ann"), ("client.list",)):
        refused = ready.json(*words, "--profile", "other")
        assert refused["error"] == "it has not been set up"
        assert refused["fix"][-1]["command"] == "nbfab setup --profile=other --client-certificates"
    assert not list(ready.work.iterdir())
