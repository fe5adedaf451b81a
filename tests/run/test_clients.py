"""Servers that admit only clients with a certificate, real ones, from setup to the removal of a lost laptop."""

import json
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from client_certificates import Connection, context, given, refusal, websocket
from machine import Machine
from pythons import NOTEBOOKS, need
from websocket import WebSocket, WebSocketException, WebSocketTimeoutException

NONE, UNKNOWN = "TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA"
WITHIN = 2.5  # seconds, with half of one for a busy machine


@pytest.fixture(params=NOTEBOOKS)
def asking(here: Machine, request: pytest.FixtureRequest) -> Machine:
    """A machine whose server asks for certificates; no browser has one yet."""
    python = NOTEBOOKS[request.param]
    need(python)
    here.program = "nbfab"
    here.env["NBFAB_PYTHON"] = python
    here.ok("setup", "--client-certificates")
    return here


def token(machine: Machine) -> str:
    """The server's own."""
    (info,) = (*machine.folder.glob("runtime/jpserver-*.json"), *machine.folder.glob("runtime/nbserver-*.json"))
    return str(json.loads(info.read_text())["token"])


def new_kernel(machine: Machine, pem: Path) -> str:
    """A kernel, started through the API."""
    headers = {"Authorization": f"token {token(machine)}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"https://localhost:{machine.port}/api/kernels", b"{}", headers)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context(machine, pem))
    )
    return str(json.load(opener.open(request, timeout=60))["id"])


def has_ended(socket: WebSocket) -> bool:
    """Whether a websocket is closed within that time, once all that was sent before is read."""
    socket.settimeout(WITHIN)
    try:
        while socket.recv():
            pass
    except WebSocketTimeoutException:
        return False
    except (OSError, WebSocketException):
        return True
    return True


def test_only_those_are_let_in_that_have_a_certificate_and_one_that_is_removed_at_once_no_more(asking: Machine) -> None:
    server = asking.server
    assert refusal(asking, context(asking)) == NONE
    ann, bob = given(asking.ok("client.add", "ann")), given(asking.ok("client.add", "bob"))
    assert ann.path.parent == asking.work
    assert ann.path.stat().st_mode & 0o777 == 0o600
    old, new = context(asking, ann.pem), context(asking, ann.pem)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    idle, resumed, others = (
        Connection(asking, new),
        Connection(asking, old),
        Connection(asking, context(asking, bob.pem)),
    )
    assert [each.get() for each in (idle, resumed, others)] == [200, 200, 200]
    sessions = [(new, idle.socket.session), (old, resumed.socket.session)]
    kernel = new_kernel(asking, ann.pem)
    open_, stays = (websocket(asking, of.pem, kernel, token(asking)) for of in (ann, bob))
    assert "remove the client ann: its open connections end within 2 seconds" in asking.ok("client.remove", "ann")
    assert idle.is_closed(WITHIN)
    assert resumed.is_closed(WITHIN)
    assert has_ended(open_)
    for tls, session in sessions:
        assert refusal(asking, tls, session) == UNKNOWN
    assert others.get() == 200
    stays.ping()
    assert stays.connected
    assert refusal(asking, context(asking, bob.pem)) == ""
    assert asking.server == server
    assert asking.json("status")["state"]["kernels"]
    assert "nothing changed" in asking.ok("setup")


def test_the_last_one_is_not_removed_and_the_fix_turns_it_off(asking: Machine) -> None:
    ann = given(asking.ok("client.add", "ann"))
    refused = asking.json("client.remove", "ann")
    assert refused["verdict"] == "refused"
    assert refused["error"] == "ann is the last client: without one, no browser could connect"
    assert refused["fix"][-1]["command"] == "nbfab setup --no-client-certificates"
    assert refusal(asking, context(asking, ann.pem)) == ""
    fix = refused["fix"][-1]["command"]
    subprocess.run(["sh", "-c", fix], env=asking.env, cwd=asking.work, check=True, capture_output=True, timeout=240)
    assert refusal(asking, context(asking)) == ""
    assert asking.json("status")["state"]["clients"] is None
    asking.ok("client.remove", "ann")


def test_a_bundle_that_is_broken_lets_no_one_in_and_setup_makes_it_good_without_a_restart(asking: Machine) -> None:
    bundle, server = asking.folder / "clients.pem", asking.server
    for text in ("", "no certificate\n", None):
        bundle.unlink() if text is None else bundle.write_text(text)
        began = time.monotonic()
        status = asking.json("status")
        assert time.monotonic() - began < 10
        assert f"it admits no one: {bundle} cannot be read" in status["error"]
        assert status["fix"][-1]["command"] == "nbfab setup"
        with pytest.raises(OSError, match=r"(?i)timed out|reset|eof|closed"):
            Connection(asking, context(asking), seconds=2)
        asking.ok("setup")
        assert asking.json("status")["verdict"] == "running"
        assert asking.server == server
