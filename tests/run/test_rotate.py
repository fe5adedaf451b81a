"""`rotate` on one host: what is new, what ends, what goes on."""

import re
import socket
import subprocess
import urllib.error
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook, is_cut, logs_in
from terminal import Terminal

from nbfab.plan import pem

NEW = "another horse battery"
MADE = r"([a-z2-7]{5}-){3}[a-z2-7]{5}"


def hash_of(machine: Machine) -> str:
    return (machine.folder / "jupyter_server_config.json").read_text()


def test_a_new_password_ends_every_login_and_no_kernel(machine: Machine) -> None:
    old = Notebook(machine.port, machine.folder, PASSWORD)
    kernel = old.post("/api/kernels", {"name": "nbserver"})["id"]
    assert old.evaluates(kernel, "answer", "answer = 42") == "42"
    before, server = machine.json("status", password=None)["state"], machine.server
    said = machine.ok("rotate", password=None)
    made = re.fullmatch(rf" *Password: ({MADE})", said.rstrip().splitlines()[-1])
    assert made, said
    for line in (
        "rewrite the hash of the new password",
        "the certificate and its key stay, since it signs itself; to replace both",
        "every earlier login has ended; kernels and terminals go on",
        "the server's token, with which nbfab and open log in, ends only with a restart",
    ):
        assert line in said
    with pytest.raises(urllib.error.HTTPError, match="403"):
        old.get("/api/kernels")
    assert not logs_in(machine.port, machine.folder, PASSWORD)
    new = Notebook(machine.port, machine.folder, made[1])
    assert new.evaluates(kernel, "answer") == "42"
    after = machine.json("status", password=None)["state"]
    assert (machine.server, after["fingerprint"]) == (server, before["fingerprint"])
    assert "--force" in said.split("ends only with a restart")[1].splitlines()[1]  # a kernel is live
    assert "nothing would change" in machine.ok("plan", password=None)

    # Both, without a restart, and with what keeps a connection open cut.
    channels = new.websocket(kernel)
    document = machine.json("rotate", "--new-key", "--now", password=None, **{"NBFAB_PASSWORD": NEW})
    assert [change["kind"] for change in document["changes"]] == ["write", "write", "end sessions"]
    assert document["password"] is None
    assert document["state"]["fingerprint"] != before["fingerprint"]
    assert any("take it out of authorized_keys" in note for note in document["notes"])
    assert is_cut(channels.sock)
    assert not (machine.folder / "known.json").exists()
    newest = Notebook(machine.port, machine.folder, NEW)
    assert newest.evaluates(kernel, "answer") == "42"
    assert machine.server == server
    assert "nothing would change" in machine.ok("plan", password=None)


def test_the_old_password_is_no_new_one(here: Machine) -> None:
    here.ok("setup")
    before = hash_of(here)
    for more in ({}, {"stdin": f"{PASSWORD}\n", "password": None}):
        words = ("rotate", *(["--password-stdin"] if more else []))
        assert "that is the password it has, and a rotation takes another one" in here.fails(*words, status=2, **more)
    assert hash_of(here) == before


def test_without_a_server_the_secrets_are_replaced_too(here: Machine) -> None:
    assert "it has not been set up, so there is nothing to rotate" in here.fails("rotate", password=None)
    assert not here.folder.exists()
    here.ok("password")
    here.ok("certificate")
    before = hash_of(here)
    said = here.ok("rotate", "--now", password=None)
    assert "every earlier login" not in said
    assert hash_of(here) != before


def test_another_s_certificate_stays(here: Machine, tmp_path: Path) -> None:
    here.ok("setup")
    names = ",".join(f"DNS:{name}" for name in (socket.gethostname(), "localhost")) + ",IP:127.0.0.1,IP:::1"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=box -keyout key -out certificate -addext"
    subprocess.run([*words.split(), f"subjectAltName={names}"], cwd=tmp_path, check=True, capture_output=True)
    file = here.folder / "nbserver.pem"
    file.write_text((tmp_path / "key").read_text() + (tmp_path / "certificate").read_text())
    before = file.read_text()
    said = here.ok("rotate", "--new-key", password=None)
    assert "the certificate and its key stay: neither nbfab nor an authority of yours here has made it" in said
    assert "rewrite the hash of the new password" in said
    assert file.read_text() == before


def test_an_authority_s_certificate_is_issued_anew(here: Machine) -> None:
    here.ok("ca", "--allow", "127.0.0.0/8", password=None)
    here.ok("setup")
    before, old = (here.folder / "nbserver.pem").read_text(), here.json("status", password=None)["state"]
    said = here.ok("rotate", password=None)
    assert ", with a new key: a new key is wanted" in said
    assert "the certificate and its key stay" not in said
    after, new = (here.folder / "nbserver.pem").read_text(), here.json("status", password=None)["state"]
    assert old["pin"] != new["pin"]
    first, second = filter(None, map(pem.load, (before, after)))
    assert first.issuer == second.issuer
    assert not pem.is_self_signed(second)
    assert "nothing would change" in here.ok("plan", password=None)


def test_where_the_authority_cannot_sign_the_password_is_new_all_the_same(here: Machine) -> None:
    here.ok("ca", "--allow", "127.0.0.0/8", password=None)
    here.ok("setup")
    (key,) = here.home.glob(".local/share/nbfab-authority/*/key.pem")
    key.chmod(0o644)
    before = (here.folder / "nbserver.pem").read_text()
    said = here.fails("rotate", password=None)
    assert "the certificate and its key stay: " in said
    assert not logs_in(here.port, here.folder, PASSWORD)
    made = re.search(rf"Password: ({MADE})", said)
    assert made
    assert logs_in(here.port, here.folder, made[1])
    assert (here.folder / "nbserver.pem").read_text() == before
    fix = next(line.removeprefix("  fix").strip() for line in said.splitlines() if "chmod" in line)
    subprocess.run(["sh", "-c", fix], check=True)
    here.ok("rotate", password=None)
    assert (here.folder / "nbserver.pem").read_text() != before


def test_at_a_terminal_it_asks_for_one_or_makes_one(here: Machine) -> None:
    here.ok("setup")
    with Terminal(here) as terminal:
        terminal.task("rotate")
        terminal.shows("empty: one is generated")
        terminal.type("")
        assert re.search(rf"Password: {MADE}", terminal.shows("status=0"))
        terminal.clear()
        terminal.task("rotate")
        terminal.shows("empty: one is generated")
        terminal.type(NEW)
        terminal.shows("gain")
        terminal.type(NEW)
        assert "Password:" not in terminal.shows("status=0").split("changed")[-1]
    assert logs_in(here.port, here.folder, NEW)
