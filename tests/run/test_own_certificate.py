"""A certificate of the user's own on a host: put in place, renewed while requests go on, and never replaced unasked."""

import itertools
import json
import os
import shlex
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import pytest
from issuers import Issued, three
from machine import PASSWORD, Machine
from opened import opened

from nbfab.plan import pem
from nbfab.tunnel import once

FILE = "nbserver.pem"


def given(machine: Machine, leaf: Issued, name: str = "box") -> tuple[str, str, str, str]:
    """The options that name the files of a certificate, its chain and its key."""
    full, key = machine.work / f"{name}.crt", machine.work / f"{name}.key"
    full.write_text(leaf.chain)
    key.write_text(leaf.secret())
    key.chmod(0o600)
    return "--certificate", str(full), "--key", str(key)


def shown(machine: Machine) -> bytes:
    """The certificate that the server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection("127.0.0.1", machine.port, timeout=20, context=context)
    connection.connect()
    found = connection.sock.getpeercert(binary_form=True)
    connection.close()
    assert found
    return bytes(found)


def der(leaf: Issued) -> bytes:
    found = ssl.PEM_cert_to_DER_cert(leaf.pem)
    return bytes(found)


def verifies(machine: Machine, root: Issued, name: str) -> bool:
    """Whether a client that trusts that root alone takes the chain that the server sends, as strictly as 3.13 does."""
    context = ssl.create_default_context(cadata=root.pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", machine.port), 20) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name):
                return True
        except ssl.SSLCertVerificationError:
            return False


@contextmanager
def requests_go_on(machine: Machine) -> Iterator[list[str]]:
    """Meanwhile, requests over new connections; what went wrong with any of them, and how many there were."""
    ended, wrong = threading.Event(), list[str]()
    counts = itertools.count()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask() -> None:
        while not ended.is_set():
            connection = HTTPSConnection("127.0.0.1", machine.port, timeout=20, context=context)
            try:
                connection.request("GET", "/api")
                if connection.getresponse().status != 200:
                    wrong.append("status")
            except (OSError, HTTPException) as error:
                wrong.append(repr(error))
            finally:
                connection.close()
            next(counts)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield wrong
    ended.set()
    for thread in threads:
        thread.join()
    assert next(counts) > 20


def test_a_chain_on_a_host_from_its_first_day_to_its_last(there: Machine) -> None:
    first = three("box", "*.lab.example.org", kind="RSA-2048")
    assert first.issuer
    assert first.issuer.issuer
    options = given(there, first)
    said = there.ok("setup", *options)
    assert "make the certificate for" not in said
    assert "put the certificate in place for box, *.lab.example.org, issued by CN=Lab CA 1: there is none" in said
    assert (there.folder / FILE).read_text() == first.secret() + first.chain
    assert (there.folder / FILE).stat().st_mode & 0o777 == 0o600
    assert shown(there) == der(first)
    assert verifies(there, first.issuer.issuer, "box")
    assert not verifies(there, first.issuer.issuer, "localhost")
    pid, state = there.server, there.json("status")["state"]
    assert state["fingerprint"] == pem.fingerprint(first.certificate)
    assert (state["days_left"], state["names"]) == (90, ["box", "*.lab.example.org"])
    assert not [note for note in there.json("status")["notes"] if "cannot be reached from here" in note]
    for again in (there.json("setup", *options), there.json("certificate", *options), there.json("setup")):
        assert (again["verdict"], again["changes"]) == ("unchanged", [])

    second = first.issuer.issue("box", ["box", "gpu1.lab.example.org"], kind="P-384", days=60)
    with requests_go_on(there) as wrong:
        for leaf in (second, first, second):
            said = there.ok("certificate", *given(there, leaf))
            assert "it differs from the one there" in said
    assert wrong == []
    assert shown(there) == der(second)
    assert there.server == pid
    assert there.json("status")["state"]["running"] is True


def test_setup_leaves_one_of_another_s_and_says_whose_it_is_and_what_it_lacks(there: Machine) -> None:
    leaf = three("gpu1.example.org", start=-70, days=12)
    there.ok("setup")
    pid = there.server
    refused = there.json("certificate", *given(there, leaf))
    assert refused["status"] == 1
    assert refused["error"] == "the certificate is for gpu1.example.org, and this host is reached by box"
    (line,) = [part["command"] for part in refused["fix"] if "command" in part]
    assert "--name=gpu1.example.org" in line
    env = there.env | {"NBFAB_PASSWORD": PASSWORD}
    where = Path(__file__).parents[2]
    done = subprocess.run(["sh", "-c", line], env=env, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has 12 days left" in done.stdout
    for task in ("setup", "certificate", "serve"):
        kept = there.json(task)
        assert kept["verdict"] == "unchanged"
        (note,) = [note for note in kept["notes"] if "nbfab did not make" in note]
        assert note.startswith("nbfab did not make the certificate, so it stays: issued by CN=Lab CA 1, 12 days left")
        assert "not for box, where browsers warn" in note
        (soon,) = [note for note in kept["notes"] if "has 12 days left" in note]
        assert "certificate --certificate=FULLCHAIN.pem --key=KEY.pem" in soon
    assert shown(there) == der(leaf)
    due = there.json("status", "--days-left", "30")
    assert (due["status"], due["state"]["days_left"]) == (3, 12)
    assert due["error"] == "its certificate has 12 days left, fewer than 30"
    assert due["fix"][0]["words"].startswith("renew it where it comes from")
    for task in ("plan", "certificate", "setup"):
        assert there.json(task, "--days-left", "30")["status"] == 3
        assert there.json(task, "--days-left", "12")["status"] == 0
    assert "makes no new key for it" in there.fails("certificate", "--new-key")
    said = there.ok("certificate", "--reissue")
    assert "the one there, issued by CN=Lab CA 1, is to be replaced" in said
    assert shown(there) != der(leaf)
    assert there.server == pid
    assert there.json("certificate", "--reissue")["verdict"] == "unchanged"
    assert there.json("certificate")["verdict"] == "unchanged"


def test_one_that_has_expired_is_refused_with_what_replaces_it_and_served_meanwhile(here: Machine) -> None:
    leaf = three("box", start=-90, days=-1.5)
    here.ok("setup")
    (here.folder / FILE).write_text(leaf.secret() + leaf.chain)
    status = here.json("status")
    assert (status["verdict"], status["state"]["days_left"]) == ("running", -2)
    refused = here.json("setup")
    assert refused["verdict"] == "refused"
    assert refused["error"] == "the certificate there, issued by CN=Lab CA 1, has expired, 2 days ago"
    *_, line = [part["command"] for part in refused["fix"] if "command" in part]
    assert shlex.split(line)[-2:] == ["certificate", "--reissue"]
    said = here.fails("certificate", *given(here, leaf), status=2)
    assert "has expired, on " in said
    here.ok("stop")
    stopped = here.json("status")
    assert (stopped["verdict"], stopped["error"]) == ("not running", "it does not run: it was stopped")
    assert stopped["fix"][-1]["command"].endswith(" start")
    here.ok("start")
    assert shown(here) == der(leaf)
    here.ok("certificate", *given(here, three("box")))
    assert here.json("setup")["verdict"] == "unchanged"
    (here.folder / FILE).write_text(leaf.secret() + leaf.chain)
    env = here.env | {"NBFAB_PASSWORD": PASSWORD}
    done = subprocess.run(["sh", "-c", line], env=env, cwd=here.work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert here.json("setup")["verdict"] == "unchanged"


def test_one_of_openssl_s_that_signs_itself_is_the_user_s(here: Machine) -> None:
    here.ok("certificate")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "c", "-subj", "/CN=box"]
    more = ["-days", "30", "-addext", "subjectAltName=DNS:box", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(["openssl", *words, *more], cwd=here.work, check=True, capture_output=True)
    here.ok("certificate", "--certificate", "c", "--key", "k")
    assert here.json("certificate")["verdict"] == "unchanged"
    mine = (here.folder / FILE).read_text()
    (here.folder / FILE).chmod(0o644)
    said = here.json("certificate")
    assert [change["kind"] for change in said["changes"]] == ["make private"]
    assert any("others could read the key of the certificate that CN=box has issued" in note for note in said["notes"])
    assert (here.folder / FILE).read_text() == mine
    assert (here.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_files_that_will_not_do_are_refused_before_any_host_is_contacted(there: Machine) -> None:
    assert there.sshd
    leaf, other = three("box"), three("box")
    certificate, full, flag, key = given(there, leaf)
    (there.work / "other.key").write_text(other.secret())
    before = len(there.sshd.commands)
    for args, words in [
        ((certificate, full), "box.crt holds no private key"),
        ((flag, key), "a key alone is no certificate"),
        ((certificate, full, flag, str(there.work / "other.key")), "other.key is not that of the certificate in"),
        ((certificate, full, flag, str(there.work / "none")), "none cannot be read: No such file or directory"),
        ((certificate, full, flag, key, "--reissue"), "--certificate brings one, and --reissue has nbfab make one"),
        ((certificate, full, "--self-signed"), "--certificate brings one, and --self-signed has nbfab make one"),
    ]:
        assert words in there.fails("certificate", *args, status=2)
        document = json.loads(there.run("setup", *args, "--json").stdout)
        assert words in document["error"]
    assert len(there.sshd.commands) == before
    (there.work / "all.pem").write_text(leaf.chain + leaf.secret())
    os.chmod(there.work / "all.pem", 0o600)
    assert there.json("certificate", certificate, str(there.work / "all.pem"))["verdict"] == "changed"
    assert (there.folder / FILE).read_text() == leaf.secret() + leaf.chain


def test_the_key_is_in_no_argument_and_in_no_report(there: Machine) -> None:
    leaf = three("box")
    canary = leaf.secret().splitlines()[1]
    options = given(there, leaf)
    seen, ended = list[str](), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen.append((place / name).read_bytes().decode(errors="replace"))
                    except OSError:
                        continue
            seen[:] = [text for text in seen if canary in text]
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = there.run("certificate", *options, "--json")
    finally:
        ended.set()
        watcher.join()
    assert done.returncode == 0
    assert canary in (there.folder / FILE).read_text()
    assert seen == []
    assert canary not in done.stdout + done.stderr + there.run("plan", *options).stdout


def test_open_logs_in_over_a_chain_and_says_that_the_browser_warns_at_localhost(there: Machine) -> None:
    there.program = "nbfab"
    leaf = three("box", kind="P-384")
    there.ok("setup", *given(there, leaf))
    (note,) = (there.folder / "runtime").glob("jpserver-*.json")
    token = json.loads(note.read_text())["token"]
    with opened(there, "--no-browser") as page:
        assert once.ask(page.port, leaf.chain, token)
        with pytest.raises(once.NoLogin, match="it has another certificate"):
            once.ask(page.port, three("box").chain, token)
        assert "the browser warns at localhost: nbfab did not make the certificate, which is not for that" in page.said
        there.ok("certificate", *given(there, three("box", "localhost")))
        with pytest.raises(once.NoLogin, match="it has another certificate"):
            once.ask(page.port, leaf.chain, token)
        assert page.close() == 0
    with opened(there, "--no-browser") as page:
        assert page.port
        assert "the browser warns" not in page.said


@pytest.mark.parametrize("quiet", [True, False])
def test_a_fleet_s_certificates_are_renewed_by_cron_when_they_are_due_and_else_nothing_is_printed(
    there: Machine, quiet: bool
) -> None:
    assert there.sshd
    (there.work / "hosts.yaml").write_text("hosts:\n  box:\n    days: 60\n")
    there.ok("certificate", "--days", "60")

    def cron(*more: str) -> tuple[int, str]:
        command = ["nbfab", "-S", str(there.sshd.config), "fleet.certificate", "--yes"]  # type: ignore[union-attr]
        command += [*(["--quiet"] if quiet else []), *more]
        done = subprocess.run(command, env=there.env, cwd=there.work, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    cron()
    status, said = cron()
    assert (status, said == "") == (0, quiet)
    now = time.time()
    (there.folder / FILE).write_text(pem.make(("box", "localhost", "127.0.0.1", "::1"), 10, now - 86400, now - 86400))
    status, said = cron()
    assert (status, "changed  certificate" in said) == (0, True), said
    foreign = three("box", days=5)
    (there.folder / FILE).write_text(foreign.secret() + foreign.chain)
    assert cron()[0] == 0
    status, said = cron("--days-left", "14")
    assert status == 3
    assert "its certificate has 5 days left, fewer than 14" in said
    assert (there.folder / FILE).read_text() == foreign.secret() + foreign.chain
