"""`ca`: an authority from what an inventory lists, shown, and a further one; typed as people type it."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from documents import check_document
from machine import BIN

INVENTORY = """
defaults: {ip: 10.3.1.1}
hosts:
  gpu[1:2].lab.example.org:
  nas.example.org: {names: [nb.example.org]}
  box: {address: 10.3.0.7}
  my_box: {address: 10.3.0.8, ip: '*'}
  dev: {ip: '*'}
  alias: {ip: '*'}
"""


class Person:
    """Someone who types `nbfab`, with a home and an ssh_config of their own."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.work.mkdir(parents=True)
        self.config = folder / "ssh_config"
        self.config.write_text("Host alias\n  HostName gpu9.far.example.net\n")

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Runs `nbfab` without a terminal."""
        return subprocess.run(
            [f"{BIN}/nbfab", "-S", str(self.config), *args],
            env={"HOME": str(self.home), "PATH": f"{BIN}:{os.environ['PATH']}", "LANG": "C.UTF-8"},
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, *args: str) -> str:
        """What is printed on standard output by what ends well."""
        done = self.run(*args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, *args: str, status: int = 2) -> str:
        """What is said by what ends with that status."""
        done = self.run(*args)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *args: str) -> list[dict[str, Any]]:
        """The authorities of the document."""
        document = json.loads(self.ok("ca", "--json", *args))
        check_document(document)
        return list(document["authorities"])

    @property
    def folder(self) -> Path:
        """The folder of the authorities."""
        return self.home / ".local/share/nbfab-authority"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_what_an_inventory_lists_and_ssh_config_makes_of_it_may_be_signed(person: Person) -> None:
    (person.work / "hosts.yaml").write_text(INVENTORY)
    done = person.run("ca", "--allow", "10.8.0.0/16", "--allow", "*.new.example.org")
    assert done.returncode == 0, done.stderr
    assert ": made\n" in done.stdout
    allowed = "alias, box, far.example.net, lab.example.org, nas.example.org, nb.example.org, new.example.org"
    assert f"  may sign     {allowed}, 10.3.0.7/32, 10.3.0.8/32, 10.3.1.1/32, 10.8.0.0/16\n" in done.stdout
    assert "and always localhost with all names below it, 127.0.0.0/8 and ::1/128\n" in done.stdout
    assert done.stdout.endswith("nbfab trust\n")
    assert "left out, since no constraint fits them (an underscore, or a public suffix): my_box, dev" in done.stderr
    (root,) = person.folder.glob("*/root.pem")
    limits = x509.load_pem_x509_certificate(root.read_bytes()).extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert "10.8.0.0/16" in [str(of.value) for of in limits.value.permitted_subtrees or ()]


def test_with_one_there_it_is_shown_and_nothing_changes(person: Person) -> None:
    (made,) = person.json("--allow", "lab.example.org")
    assert (made["made"], made["permits"]) == (True, ["lab.example.org", "localhost", "127.0.0.0/8", "::1/128"])
    before = {path: path.stat().st_mtime_ns for path in person.folder.rglob("*")}
    (shown,) = person.json()
    assert shown == {**made, "made": False}
    said = person.ok("ca")
    assert f"{made['name']}: issues certificates\n" in said
    assert f"SHA-256 {made['fingerprint']}, 3650 days left\n" in said
    assert "  issued       nothing yet\n" in said
    assert {path: path.stat().st_mtime_ns for path in person.folder.rglob("*")} == before
    (key,) = person.folder.glob("*/key.pem")
    key.chmod(0o644)
    said = person.ok("ca")
    assert f"{made['name']}: issues nothing\n" in said
    fix = next(line for line in said.splitlines() if line.startswith("  fix "))
    subprocess.run(["sh", "-c", fix.partition("fix")[2]], check=True)
    assert f"{made['name']}: issues certificates\n" in person.ok("ca")


def test_what_one_may_sign_cannot_be_changed_but_a_further_one_can_be_made(person: Person) -> None:
    person.ok("ca", "--allow", "lab.example.org")
    said = person.fails("ca", "--allow", "other.example.org")
    assert "--allow changes nothing" in said
    command = said.splitlines()[-1].strip()
    assert command == "nbfab ca --new --allow=other.example.org"
    assert "too wide" in person.fails("ca", "--allow", "0.0.0.0/0")
    person.ok(*shlex.split(command)[1:])
    first, second = person.json()
    assert (first["permits"][0], second["permits"][0]) == ("lab.example.org", "other.example.org")
    assert first["name"] != second["name"]


def test_without_an_inventory_ssh_config_names_the_hosts_that_no_one_else_can_have(person: Person) -> None:
    ssh = person.home / ".ssh"
    (ssh / "more").mkdir(parents=True)
    (ssh / "more/lab").write_text("Host=pc01 pc02 pc*\n")
    person.config.write_text("Host Gpu1 !gpu2 nas.lan github.com *\n  User ann\nInclude more/*\n")
    (shown,) = person.json("--new")
    assert shown["permits"][:-3] == ["gpu1", "lan", "pc01", "pc02"]
    (shown,) = (one for one in person.json("--new", "--allow=lab.example.org") if one["made"])
    assert shown["permits"][:-3] == ["lab.example.org"]


def test_without_hosts_one_is_made_for_this_machine_and_it_gives_what_makes_one_for_a_host(person: Person) -> None:
    person.config.write_text("")
    for shown in (person.ok("ca"), person.ok("ca")):
        assert "  may sign     for this machine alone: localhost with all names below it, 127.0.0.0/8 and" in shown
        assert "  note         for a host, make a further one\n               nbfab ca --new --allow=NAME\n" in shown
    assert "  may sign     gpu1\n" in person.ok("ca", "--new", "--allow=gpu1")
    assert "make a further one" not in person.ok("ca")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--allow", "org"), "--allow org: org is a public suffix"),
        (("--allow", "a b"), "--allow a b: 'a b' is neither a domain nor a network"),
        (("--allow", "0.0.0.0/0"), "--allow 0.0.0.0/0: 0.0.0.0/0 is too wide"),
        (("--inventory", "none.yaml"), "none.yaml"),
        (("--passphrase",), "no passphrase was typed, so no authority was made"),
        (("--passphrase-file", "none"), "--passphrase-file none: No such file or directory"),
    ],
)
def test_a_wrong_use_makes_none(args: tuple[str, ...], message: str, person: Person) -> None:
    assert message in person.fails("ca", *args)
    assert not list(person.home.rglob("*.pem"))


def test_it_takes_no_host(person: Person) -> None:
    said = person.fails("-H", "gpu1", "ca")
    assert "ca makes an authority on this machine, and takes no host" in said
    assert "nbfab ca" in said.splitlines()[-1]


def test_a_passphrase_in_a_file_that_others_can_read_is_refused_with_what_ends_that(person: Person) -> None:
    file = person.work / "it"
    file.write_text("some words\n")
    file.chmod(0o644)
    said = person.fails("ca", "--passphrase-file", "it", status=1)
    assert "others could read or change it, a file of mode 644" in said
    subprocess.run(["sh", "-c", said.splitlines()[-1].partition("fix")[2]], cwd=person.work, check=True)
    person.ok("ca", "--passphrase-file", "it")
    (key,) = person.folder.glob("*/key.pem")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()


def test_two_that_are_called_at_the_same_time_make_one(person: Person) -> None:
    command = [f"{BIN}/nbfab", "ca", "--allow", "lab.example.org"]
    env = {"HOME": str(person.home), "PATH": os.environ["PATH"]}
    runs = [subprocess.Popen(command, env=env, cwd=person.work, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [run.wait(60) for run in runs].count(0) >= 1
    assert len(list(person.folder.glob("*/root.pem"))) == 1


def test_a_disk_that_cannot_be_written_is_said(person: Person) -> None:
    place = person.home / ".local/share"
    place.mkdir(parents=True)
    (place / "nbfab-authority").write_text("")
    assert "nbfab-authority: it cannot be read: Not a directory" in person.ok("ca")
    assert "nbfab-authority could not be written: File exists" in person.fails("ca", "--new", status=1)


def test_an_inventory_of_ansible_s_will_do(person: Person) -> None:
    (person.work / "lab.yaml").write_text("all:\n  hosts:\n    g1:\n      ansible_host: g1.lab.example.org\n")
    (made,) = person.json("--inventory", "lab.yaml")
    assert made["permits"][:2] == ["g1", "lab.example.org"]
