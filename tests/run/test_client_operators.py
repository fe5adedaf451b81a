"""Clients of hosts over SSH: several operators, `open`, a fleet, and a real browser."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from chromium import SLOWEST, chromium
from client_certificates import context, given, refusal
from machine import PASSWORD, Machine
from opened import opened
from playwright.sync_api import Error, expect
from sshd import wait_until
from sshd_fleet import Fleet


@pytest.fixture
def asking(there: Machine) -> Machine:
    """A host over SSH whose server asks for certificates."""
    there.program = "nbfab"
    there.ok("setup", "--client-certificates")
    return there


def of_another(machine: Machine, folder: Path) -> dict[str, str]:
    """The environment of a second operator, with a home folder of their own."""
    folder.mkdir()
    return machine.env | {"HOME": str(folder), "NBFAB_PASSWORD": PASSWORD}


def names(machine: Machine) -> list[str]:
    return [client["name"] for client in machine.json("client.list")["state"]["clients"] if client["role"] == "client"]


def test_two_operators_at_once_do_not_undo_each_other_s_changes(asking: Machine, tmp_path: Path) -> None:
    second = of_another(asking, tmp_path / "second")
    runs = [
        subprocess.Popen(
            asking.command("client.add", name, "--quiet"),
            env=env,
            cwd=asking.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, env in (("ann", asking.env), ("bob", second), ("cy", asking.env), ("di", second))
    ]
    said = [run.communicate(timeout=240)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], said
    assert sorted(names(asking)) == ["ann", "bob", "cy", "di"]
    for each in said:
        assert refusal(asking, context(asking, given(each).pem)) == ""
    operators = [one for one in asking.json("client.list")["state"]["clients"] if one["role"] == "operator"]
    assert len(operators) == 2
    for env in (asking.env, second):
        assert "nothing changed" in asking.ok("setup", **env)


def test_another_operator_is_told_and_setup_admits_their_nbfab(asking: Machine, tmp_path: Path) -> None:
    second = of_another(asking, tmp_path / "second")
    status = asking.json("status", **second)
    assert status["verdict"] == "running"
    assert any(note.startswith("the server does not admit nbfab on this machine yet") for note in status["notes"])
    assert "admit nbfab itself" in asking.ok("setup", **second)
    assert not any("does not admit" in note for note in asking.json("status", **second)["notes"])


def test_a_key_that_others_could_read_is_not_used(asking: Machine) -> None:
    own = Path(asking.env["HOME"]) / ".local/state/nbfab/client.pem"
    assert own.stat().st_mode & 0o777 == 0o600
    own.chmod(0o644)
    refused = asking.json("status")
    assert refused["error"] == f"others can read {own}, a key by which servers let you in"
    assert refused["fix"][-1]["command"] == f"rm {own}"
    own.unlink()
    asking.ok("setup")
    assert own.stat().st_mode & 0o777 == 0o600


def test_open_logs_in_and_the_browser_presents_its_own(asking: Machine, tmp_path: Path) -> None:
    """Also of an operator who was never there before."""
    ann = given(asking.ok("client.add", "ann"))
    second = of_another(asking, tmp_path / "second")
    browser, page_file = tmp_path / "browser", tmp_path / "page.html"
    browser.write_text(f'#!/bin/sh\ncp "${{1#file://}}" {page_file}\n')
    browser.chmod(0o755)
    with opened(asking, "--login", **second, BROWSER=str(browser), DISPLAY=":0") as page:
        assert page.port
        wait_until(page_file.exists, f"the browser to be started: {page.said}", 15)
        assert "the server asks the browser for a client certificate, through this link, too" in page.said
        assert "log in by yourself" not in page.said
        assert 'name="nonce"' in page_file.read_text()
        through = Machine.__new__(Machine)
        through.__dict__ |= asking.__dict__ | {"port": page.port}
        assert refusal(through, context(asking)) == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        assert refusal(through, context(asking, ann.pem)) == ""


def test_open_without_a_link_admits_the_machine_that_you_are_at_too(asking: Machine, tmp_path: Path) -> None:
    second = of_another(asking, tmp_path / "second")
    said = asking.ok("open", "--direct", "--no-browser", **second)
    assert said.endswith(f"\nhttps://127.0.0.1:{asking.port}/\n")
    assert "does not admit" not in said
    operators = [one for one in asking.json("client.list")["state"]["clients"] if one["role"] == "operator"]
    assert len(operators) == 2


def test_one_file_is_good_for_a_fleet(three: Fleet) -> None:
    done = three.run("setup", "--yes", "--client-certificates", NBFAB_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    done = three.run("client.add", "ann")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 changed" in done.stdout
    ann = given(done.stdout)
    assert ann.path == three.work / "ann.p12"
    for name in three.hosts:
        at = Machine.__new__(Machine)
        at.__dict__ |= three.machine.__dict__ | {"port": three.ports[name], "sshd": three.hosts[name]}
        assert refusal(at, context(at, ann.pem)) == ""
    listed = three.json("client.list")
    assert all("ann" in [one["name"] for one in host["state"]["clients"]] for host in listed.values())
    assert three.run("client.add", "bob").returncode == 0
    assert three.json("client.remove", "bob", "--limit", "one")["one"]["verdict"] == "changed"
    rest = three.json("client.remove", "bob")
    assert {host: one["verdict"] for host, one in rest.items()} == {
        "one": "unchanged",
        "two": "changed",
        "three": "changed",
    }
    last = three.json("client.remove", "ann")
    assert {one["verdict"] for one in last.values()} == {"refused"}
    assert "nothing changed" not in three.run("setup", "--yes").stderr


def test_a_browser_with_the_file_gets_the_page_until_it_is_removed(asking: Machine, tmp_path: Path) -> None:
    ann = given(asking.ok("client.add", "ann"))
    asking.ok("client.add", "bob")
    base = f"https://localhost:{asking.port}"
    presents: Any = {"origin": base, "pfxPath": str(ann.path), "passphrase": ann.password}
    with chromium(tmp_path / "browser") as browser:
        with pytest.raises(Error, match=r"ERR_BAD_SSL_CLIENT_AUTH_CERT|ERR_SOCKET_NOT_CONNECTED|ERR_CONNECTION"):
            browser.new_context(ignore_https_errors=True).new_page().goto(f"{base}/login")
        page = browser.new_context(ignore_https_errors=True, client_certificates=[presents]).new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(base)
        page.fill("#password_input", PASSWORD)
        page.click("#login_submit")
        page.wait_for_url("**/tree**")
        expect(page.locator(".jp-DirListing").first).to_be_visible()
        asking.ok("client.remove", "ann")
        with suppress(Error):
            page.goto(f"{base}/tree?again")
        assert "jp-DirListing" not in page.content()
