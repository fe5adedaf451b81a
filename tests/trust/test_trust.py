"""`trust` as a person types it, on a Debian whose store is a copy."""

import json
import subprocess
from pathlib import Path

import pytest
from desk import CERTIFICATES, Desk, trusted
from documents import check_document
from fixes import check
from roots import root_in
from terminal import Terminal

from nbfab.trust.root import fingerprints

pytestmark = pytest.mark.real  # starts whole programs
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A computer with a Chromium and a profile of Firefox."""
    made = Desk(tmp_path)
    made.stand_in("chromium")
    profile = made.home / ".mozilla/firefox/abc.default"
    profile.mkdir(parents=True)
    (profile.parent / "profiles.ini").write_text("[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\n")
    return made


def endings(desk: Desk, *args: str, status: int = 0) -> dict[str, str]:
    """How it ended in each place, by the JSON document."""
    done = desk.run("trust", "--json", *args)
    document = json.loads(done.stdout)
    check_document(document)
    assert document["status"] == done.returncode == status, done.stdout + done.stderr
    for one in document["trust"]:
        check(one["fix"])
    return {one["what"]: one["ending"] for one in document["trust"]}


def test_nothing_is_trusted_of_which_no_copy_can_be_kept(desk: Desk) -> None:
    root_in(desk.data)
    (desk.home / ".local/state").touch()
    said = desk.fails("trust", "--yes")
    assert said.startswith(f"nbfab: {desk.home}/.local/state/nbfab/trust could not be written: ")
    assert said.endswith("; so no authority was put anywhere\n")
    assert not (desk.data / "pki/nssdb").exists()


def test_it_is_put_in_everywhere_once_and_taken_out(desk: Desk) -> None:
    root = root_in(desk.data)
    chromium, firefox = desk.data / "pki/nssdb", desk.home / ".mozilla/firefox/abc.default"
    told = desk.ok("trust", "--yes")
    assert told.startswith(f"trust: done\n  authority    {root.name}\n               SHA-256 {root.fingerprint}\n")
    for line in (
        "  done         Chromium (~/.local/share/pki/nssdb)\n",
        "  done         Firefox, profile default (~/.mozilla/firefox/abc.default)\n",
        "  done         the system (/usr/local/share/ca-certificates)\n",
        f"  add          [ ! -r {desk.data}/nbfab-trust/env.sh ] || . {desk.data}/nbfab-trust/env.sh\n",
        "  opens        curl (",
        "  opens        Python (",
        f"  opens        Node (/usr/bin/node): with what {desk.data}/nbfab-trust/env.sh sets\n",
    ):
        assert line in told
    assert trusted(chromium) == trusted(firefox) == {root.name: "C,,"}
    assert root.fingerprint in fingerprints((desk.etc.parent / BUNDLE).read_text())
    line = f"openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt {root.file}"
    assert desk.shell(line).returncode == 0
    assert "trust: nothing to do\n" in desk.ok("trust")
    assert desk.ok("trust", "--quiet") == ""
    assert "trust: removed\n" in desk.ok("trust", "--remove", "--yes")
    assert trusted(chromium) == trusted(firefox) == {}
    assert not list(desk.certificates.iterdir())
    assert root.fingerprint not in fingerprints((desk.etc.parent / BUNDLE).read_text())
    assert not (desk.data / "nbfab-trust").exists()
    assert "trust: nothing to do\n" in desk.ok("trust", "--remove")


def test_nothing_is_changed_that_no_one_has_agreed_to(desk: Desk) -> None:
    root = root_in(desk.data)
    told = desk.fails("trust")
    assert f"it would change {desk.data}/pki/nssdb, " in told
    assert "and no one is there to ask\n" in told
    assert "trust --yes\n" in told
    document = json.loads(desk.run("trust", "--json").stdout)
    assert [part["command"].rpartition(" trust ")[2] for part in document["fix"]] == ["--json --yes"]
    with Terminal(desk) as terminal:
        terminal.task("trust")
        screen = terminal.shows("Go on? [y/N]")
        assert "  to do        Chromium (~/.local/share/pki/nssdb)\n" in screen
        assert "  to do        the system (/usr/local/share/ca-certificates)\n" in screen
        assert not (desk.data / "pki").exists()
        terminal.type("n")
        terminal.shows("nothing was changed\nstatus=1")
        terminal.clear()
        terminal.task("trust")
        terminal.shows("Go on? [y/N]")
        terminal.type("y")
        terminal.shows("trust: done")
        terminal.shows("status=0")
    assert trusted(desk.data / "pki/nssdb") == {root.name: "C,,"}


def test_a_key_with_a_passphrase_is_proven_only_if_that_is_typed(desk: Desk) -> None:
    root = root_in(desk.data, passphrase="canary horse")
    with Terminal(desk) as terminal:
        terminal.task("trust", "--yes")
        terminal.shows(f"Passphrase of {root.name}, to prove it by a page here (empty: not now):")
        terminal.type("canary horse")
        screen = terminal.shows("status=0")
        assert "opens        curl" in screen
        assert "canary" not in screen
        terminal.clear()
        terminal.task("trust")  # nothing to do: nothing is asked
        assert f"the key of {root.name} has a passphrase" in terminal.shows("status=0")


def test_several_authorities_and_one_that_is_gone(desk: Desk) -> None:
    gone = root_in(desk.data, days_ago=9)
    endings(desk, "--yes")
    for file in gone.file.parent.iterdir():
        file.unlink()
    gone.file.parent.rmdir()
    two = [root_in(desk.data, days_ago=1), root_in(desk.data)]
    other = root_in(desk.work)  # that the user has put there
    store = desk.data / "pki/nssdb"
    subprocess.run(
        ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "mine", "-i", str(other.file)], check=True
    )
    (desk.certificates / "mine.crt").write_text(other.pem)
    ended = endings(desk, "--yes")
    assert ended.pop(gone.name) == "left"
    assert set(ended.values()) <= {"done", "opens"}
    assert trusted(store) == dict.fromkeys((gone.name, two[0].name, two[1].name, "mine"), "C,,")
    endings(desk, "--remove", "--yes")
    assert trusted(store) == {"mine": "C,,"}
    assert [file.name for file in desk.certificates.iterdir()] == ["mine.crt"]
    assert other.fingerprint in fingerprints((desk.etc.parent / BUNDLE).read_text())


def test_a_user_gets_the_command_that_an_administrator_types(tmp_path: Path) -> None:
    desk = Desk(tmp_path, user=True)
    desk.stand_in("sudo", 'exec "$@"')
    root = root_in(desk.data)
    told = desk.fails("trust", "--yes", status=3)
    assert desk.calls == []
    assert told.startswith("trust: done, except what takes an administrator\n")
    assert "  to do        the system (/usr/local/share/ca-certificates): it takes an administrator; " in told
    assert "  to do        curl (" in told
    file = f"{CERTIFICATES}/nbfab-{root.short}.crt"
    line = f"sudo install -D -m 644 {root.file} {file} && sudo update-ca-certificates"
    assert f"  fix          {line}\n" in told
    assert desk.shell(line).returncode == 0
    assert "trust: nothing to do\n" in desk.ok("trust")
    told = desk.fails("trust", "--remove", "--yes", status=3)
    line = f"sudo rm -f {file} && sudo update-ca-certificates --fresh"
    assert f"  fix          {line}\n" in told
    assert desk.shell(line).returncode == 0
    assert "trust: nothing to do\n" in desk.ok("trust", "--remove")


def test_what_it_does_not_do(desk: Desk) -> None:
    told = desk.fails("trust")
    assert "there is no authority to trust yet\n  fix          " in told
    assert told.endswith("nbfab ca\n")
    assert "by sudo it does not look for those of ann\n" in desk.run("trust", SUDO_USER="ann").stderr
    assert "trust: nothing to remove\n" in desk.ok("trust", "--remove")
    root = root_in(desk.data)
    root.file.rename(root.file.with_name("lost"))
    assert f"there is an authority in {root.file.parent}, but its root is lost" in desk.fails("trust")
    root.file.with_name("lost").rename(root.file)
    assert "trust is for this machine, and takes no host" in desk.run("-H", "box", "trust").stderr
    assert "--remove and --export are two tasks\n" in desk.fails("trust", "--remove", "--export", status=2)


def test_a_variable_that_names_another_store_is_named(desk: Desk) -> None:
    root_in(desk.data)
    empty = desk.work / "empty.pem"
    empty.write_text("")
    done = desk.run("trust", "--yes", SSL_CERT_FILE=str(empty), NODE_EXTRA_CA_CERTS=str(empty))
    assert done.returncode == 1
    assert f"; here it goes by SSL_CERT_FILE={empty}\n" in done.stderr
    assert f"; here it goes by NODE_EXTRA_CA_CERTS={empty}\n" in done.stderr
    assert "  fix          unset NODE_EXTRA_CA_CERTS, or add what is in " in done.stderr
