"""An authority over a real sshd and server: what a strict client trusts, what a host never gets, what is refused."""

import json
import os
import shlex
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from documents import check_document
from home import snapshot
from machine import PASSWORD, Machine
from sshd import wait_until
from sshd_fleet import Fleet
from terminal import Terminal

PASSPHRASE = "some words"


class Person:
    """Someone with an inventory, who types `nbfab`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        (machine.work / "hosts.yaml").write_text("hosts:\n  gpu1.lab.test:\n")

    def types(self, line: str, status: int = 0) -> str:
        """What a command line prints, which ends with that exit status."""
        words = shlex.split(line)
        if self.machine.sshd and "-H" in words:
            words[1:1] = ["-S", str(self.machine.sshd.config)]
        done = subprocess.run(
            words,
            env=self.machine.env | {"NBFAB_PASSWORD": PASSWORD},
            cwd=self.machine.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert "Traceback" not in said
        return said

    def json(self, line: str) -> dict[str, Any]:
        """The one host of the document that a command line prints."""
        document = json.loads(self.types(f"{line} --json --quiet"))
        check_document(document)
        (host,) = document["hosts"]
        return dict(host)

    @property
    def authorities(self) -> list[Path]:
        """The folders of the authorities, the oldest first."""
        places = (self.machine.env["HOME"], ".local/share/nbfab-authority")
        return sorted(Path(*places).glob("2*"), key=lambda folder: folder.stat().st_ctime_ns)

    def issued(self, number: int = 0) -> list[dict[str, object]]:
        """What an authority has on record."""
        return [json.loads(line) for line in (self.authorities[number] / "issued.jsonl").read_text().splitlines()]

    def opens(self, name: str, number: int = 0) -> str:
        """What a strict client, that trusts one root and no other certificate, gets from the server by a name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authorities[number] / "root.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection(("127.0.0.1", self.machine.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(b"GET /api HTTP/1.0\r\n\r\n")
            return connection.recv(10_000).decode()


@pytest.fixture
def person(there: Machine) -> Person:
    assert there.sshd
    there.sshd.write_config(name="gpu1.lab.test gpu1.other.test")
    return Person(there)


def test_another_authority_signs_once_the_key_of_the_first_is_lost_or_broken(person: Person) -> None:
    person.types("nbfab ca")
    person.types("nbfab -H gpu1.lab.test setup")
    (person.authorities[0] / "key.pem").unlink()
    said = person.types("nbfab -H gpu1.lab.test certificate --new-key", status=1)
    assert "key.pem: No such file or directory" in said
    person.types(command_in(said, "nbfab ca --new"))
    assert "issued by nbfab authority of" in person.types("nbfab -H gpu1.lab.test certificate --new-key")
    assert " 200 " in person.opens("gpu1.lab.test", 1)

    key = person.authorities[1] / "key.pem"
    key.write_text("broken")
    said = person.types("nbfab -H gpu1.lab.test certificate --new-key", status=1)
    subprocess.run(["sh", "-c", command_in(said, "mv ")], check=True)
    person.types(command_in(said, "nbfab ca --new"))
    person.types("nbfab -H gpu1.lab.test certificate --new-key")
    assert " 200 " in person.opens("gpu1.lab.test", 2)


def command_in(said: str, start: str) -> str:
    """The command line that a report suggests."""
    return next(line.strip() for line in said.splitlines() if line.strip().startswith(start))


def test_from_the_first_setup_to_a_second_authority(person: Person) -> None:
    machine = person.machine
    assert machine.sshd
    made = person.types("nbfab ca")
    assert "  may sign     lab.test\n" in made
    said = person.types("nbfab -H gpu1.lab.test setup")
    assert "make the certificate for 127.0.0.1, gpu1.lab.test" not in said  # every certificate has the first
    assert "make the certificate for gpu1.lab.test, localhost, 127.0.0.1, ::1, issued by nbfab authority of" in said
    assert " 200 " in person.opens("gpu1.lab.test")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        person.opens("gpu2.lab.test")
    pem = (machine.folder / "nbserver.pem").read_text()
    assert pem.count("BEGIN CERTIFICATE") == 1

    before = machine.files()
    assert ": nothing changed" in person.types("nbfab -H gpu1.lab.test setup")
    assert machine.files() == before
    (line,) = person.issued()
    assert (line["host"], line["profile"], line["names"]) == ("gpu1.lab.test", "nbserver", ["gpu1.lab.test"])
    assert line["serial"] == f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}"

    status = person.json("nbfab -H gpu1.lab.test status")["state"]
    assert status["authority"]["days_left"] == 3650
    assert f"  authority    {status['authority']['name']}, 3650 days left\n" in person.types(
        "nbfab -H gpu1.lab.test status"
    )
    pid = machine.server
    person.types("nbfab -H gpu1.lab.test setup --name nb.lab.test")
    assert " 200 " in person.opens("nb.lab.test")
    renewed = person.json("nbfab -H gpu1.lab.test certificate")
    assert (renewed["verdict"], renewed["state"]["pin"]) == ("unchanged", status["pin"])
    assert renewed["state"]["fingerprint"] != status["fingerprint"]
    assert machine.server == pid

    person.types("nbfab -H gpu1.lab.test certificate --new-key")  # of nb.lab.test, it knows by its own record
    assert " 200 " in person.opens("nb.lab.test")

    before = machine.files()
    refused = person.types("nbfab -H gpu1.lab.test certificate --name nb.other.test", status=1)
    assert "may not sign nb.other.test" in refused
    assert machine.files() == before
    command = command_in(refused, "nbfab ca")
    assert command == "nbfab ca --new --allow=lab.test --allow=other.test"
    assert ": made\n" in person.types(command)
    person.types("nbfab -H gpu1.lab.test certificate --name nb.other.test")
    assert " 200 " in person.opens("nb.other.test", number=1)
    with pytest.raises(ssl.SSLCertVerificationError):
        person.opens("gpu1.lab.test", number=0)

    secrets = [line for folder in person.authorities for line in (folder / "key.pem").read_text().splitlines()[1:-1]]
    assert secrets
    host = machine.sshd.files
    for file in (file for file in host.rglob("*") if file.is_file()):
        assert not [line for line in secrets if line.encode() in file.read_bytes()], file


def test_a_self_signed_certificate_is_replaced_keeps_its_pin_and_can_be_had_back(person: Person) -> None:
    def certificate(*flags: str) -> dict[str, object]:
        host = person.json(shlex.join(("nbfab", "-H", "gpu1.lab.test", "certificate", *flags)))
        return {"reason": (host["changes"] or [{"reason": None}])[0]["reason"], **host["state"]}

    first = certificate()
    assert first["authority"] is None
    person.types("nbfab ca")
    second = certificate()
    assert "it is self-signed, and nbfab authority of" in str(second["reason"])
    assert (second["pin"], second["authority"] is None) == (first["pin"], False)
    third = certificate("--self-signed")
    assert third["reason"] == "it is an authority's, and a self-signed one is wanted"
    assert (third["pin"], third["authority"]) == (first["pin"], None)
    assert certificate()["reason"] is None
    assert person.types("nbfab -H gpu1.lab.test certificate --reset self_signed").count("issued by nbfab authority of")
    assert len(person.issued()) == 2


def test_what_is_wrong_with_an_authority_changes_nothing_on_the_host(person: Person) -> None:
    person.types("nbfab ca")
    (folder,) = person.authorities
    (folder / "key.pem").chmod(0o644)
    said = person.types("nbfab -H gpu1.lab.test certificate", status=1)
    assert f"others could read or change {folder}/key.pem" in said
    assert f"others could read or change {folder}/key.pem" in person.types("nbfab ca")
    assert not (person.machine.folder / "nbserver.pem").exists()
    subprocess.run(["sh", "-c", command_in(said, "fix          chmod").removeprefix("fix ")], check=True)
    assert "others could" not in person.types("nbfab ca")
    root = (folder / "root.pem").read_bytes()
    (folder / "root.pem").unlink()
    said = person.types("nbfab -H gpu1.lab.test certificate", status=1)
    assert f"there is an authority in {folder}, but its root is lost" in said
    assert f"{folder}: its root is lost" in person.types(command_in(said, "nbfab ca"))
    assert not (person.machine.folder / "nbserver.pem").exists()
    (folder / "root.pem").write_bytes(root)
    person.types("nbfab -H gpu1.lab.test certificate")
    (folder / "key.pem").unlink()
    assert ": nothing changed" in person.types("nbfab -H gpu1.lab.test certificate")
    said = person.types("nbfab -H gpu1.lab.test certificate --new-key", status=1)
    assert "key.pem: No such file or directory" in said
    person.types(command_in(said, "nbfab ca --new"))
    assert len(person.authorities) == 2


def test_remove_on_this_machine_leaves_the_authority(here: Machine) -> None:
    here.ok("ca", "--allow", "lab.test")
    here.ok("certificate", "--name", "gpu1.lab.test")
    place = here.home / ".local/share/nbfab-authority"
    before = snapshot(place)
    assert [path.name for path in next(place.glob("2*")).iterdir()].count("issued.jsonl") == 1
    here.ok("remove", "--yes")
    assert snapshot(place) == before
    assert not (here.home / ".local/share/nbfab").exists()


def test_a_fleet_asks_for_the_passphrase_once_and_not_where_nothing_is_signed(three: Fleet) -> None:
    person = three.machine
    file = three.work / "passphrase"
    file.touch(0o600)
    file.write_text(PASSPHRASE)
    command = [three.command("x")[0], "ca", "--inventory", str(three.inventory)]
    subprocess.run([*command, "--passphrase-file", file], env=person.env, cwd=three.work, check=True)
    failed = three.json("certificate", "--yes")
    assert {host["verdict"] for host in failed.values()} == {"refused"}
    assert all("no one is here to type it" in host["error"] for host in failed.values())
    with Terminal(person) as terminal:
        terminal.type(shlex.join(three.command("certificate", "--yes")) + "; echo status=$?")
        assert terminal.shows("Passphrase of nbfab authority of").count("Passphrase of") == 1
        terminal.type("wrong")
        terminal.shows("That is not it. Passphrase of")
        terminal.type(PASSPHRASE)
        assert PASSPHRASE not in terminal.shows("status=0")
    (folder,) = Path(person.env["HOME"], ".local/share/nbfab-authority").glob("2*")
    lines = [json.loads(line) for line in (folder / "issued.jsonl").read_text().splitlines()]
    assert sorted(line["host"] for line in lines) == ["one", "three", "two"]
    again = three.json("certificate", "--yes")
    assert {host["verdict"] for host in again.values()} == {"unchanged"}
    renewed = three.json("certificate", "--yes", "--new-key", "--passphrase-file", str(file))
    assert {host["verdict"] for host in renewed.values()} == {"changed"}
    assert PASSPHRASE not in "".join(
        path.read_text(errors="replace") for path in Path(person.env["HOME"]).rglob("*") if path.is_file()
    )


def test_a_passphrase_is_typed_twice_when_an_authority_is_made(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("ca", "--passphrase")
        terminal.shows("Passphrase for the authority's key:")
        terminal.type(PASSPHRASE)
        terminal.shows("Type it again:")
        terminal.type("another")
        terminal.shows("those were not the same\nPassphrase for")
        terminal.type(PASSPHRASE)
        wait_until(lambda: terminal.screen.count("Type it again:") == 2, "the second question")
        terminal.type(PASSPHRASE)
        assert PASSPHRASE not in terminal.shows("status=0")
    (folder,) = (here.home / ".local/share/nbfab-authority").glob("2*")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (folder / "key.pem").read_text()
    assert "no passphrase was typed" in here.fails("ca", "--new", "--passphrase", status=2)
    assert os.listdir(folder.parent).count(folder.name) == len(list(folder.parent.glob("2*"))) == 1
