"""This user's Jupyter servers that nbfab did not start: found, ended and opened on request."""

import http.cookiejar
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from machine import Machine
from opened import opened
from processes import lives
from pythons import DEBIAN, need
from sshd import wait_until
from strays import OPEN, OPEN_6, TOKEN, stray


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    return there


def test_an_open_server_is_warned_of_and_the_fix_ends_it(here: Machine, tmp_path: Path) -> None:
    here.program = "nbfab"
    here.ok("setup")
    with (
        stray(tmp_path / "one", *OPEN) as bad,
        stray(tmp_path / "two", f"--ServerApp.token={TOKEN}", "--ip=0.0.0.0") as good,
    ):
        said = here.ok("status", "--all")
        assert f"a Jupyter server is open without a password or token at port {bad.port}, so every user" in said
        assert re.search(rf"^  other +port {bad.port}: process {bad.pid} \(.*, OPEN: ", said, re.MULTILINE)
        assert re.search(rf"^  other +port {good.port}: process {good.pid} \(.*, at all addresses$", said, re.MULTILINE)
        assert TOKEN not in said
        assert f"port {bad.port}" not in here.ok("status")
        state = here.json("status", "--all")["state"]
        listed = {other["port"]: other for other in state["others"]}
        assert (listed[bad.port]["open"], listed[good.port]["open"]) == (True, False)
        assert here.port not in listed
        outcome = here.json("doctor")
        failed = [each for each in outcome["findings"] if each["state"] == "failed"]
        (finding,) = [each for each in failed if f"port {bad.port}," in each["words"]]
        assert finding["layer"] == "others"
        (command,) = [part["command"] for part in finding["fix"] if "command" in part]
        assert command == f"nbfab stop --port={bad.port}"
        done = subprocess.run(["sh", "-c", command], env=here.env, cwd=here.work, capture_output=True, check=True)
        assert f"port {bad.port} is free".encode() in done.stdout
        assert not lives(bad.pid)
        assert lives(good.pid)
        assert here.server


def test_live_kernels_are_not_ended_without_force(here: Machine, tmp_path: Path) -> None:
    with stray(tmp_path / "one", *OPEN) as server:
        server.post("/api/kernels")
        said = here.fails("stop", f"--port={server.port}")
        assert f"the server at port {server.port} was not ended, because that would end 1 kernel" in said
        assert re.search(rf"^  fix +inv .*stop --port={server.port} --force$", said, re.MULTILINE)
        assert lives(server.pid)
        outcome = here.json("stop", f"--port={server.port}", "--force")
        assert [change["kind"] for change in outcome["changes"]] == ["end other server"]
        assert not lives(server.pid)
        assert not (here.home / ".local/share/nbfab").exists()  # nothing was put there for it


def test_notebook_6_is_ended_too(here: Machine, tmp_path: Path) -> None:
    need(DEBIAN)
    with stray(tmp_path / "one", *OPEN_6, program="notebook 6") as server:
        here.ok("stop", f"--port={server.port}")
        assert not lives(server.pid)


def test_the_port_of_none_ends_nothing_and_the_own_port_the_own(here: Machine, tmp_path: Path) -> None:
    here.ok("setup")
    own = here.server
    with stray(tmp_path / "one", f"--ServerApp.token={TOKEN}") as server:
        said = here.ok("stop", f"--port={server.port + 1 if server.port < 65535 else 1}")
        assert "there is no Jupyter server of yours; that of the profile, at another port, runs on" in said
        assert (lives(own), lives(server.pid)) == (True, True)
        here.ok("stop", f"--port={here.port}")
        assert (lives(own), lives(server.pid)) == (False, True)
        assert "it does not run" in here.ok("stop", f"--port={here.port}")


def test_a_server_of_this_machine_is_opened_where_it_is(here: Machine, tmp_path: Path) -> None:
    here.program = "nbfab"
    with stray(tmp_path / "one", f"--ServerApp.token={TOKEN}", "--ServerApp.base_url=/x") as server:
        said = here.ok("open", f"--port={server.port}", "--no-browser")
        assert f"\nhttp://127.0.0.1:{server.port}/x/\n" in said
        assert TOKEN not in said
        assert not (here.home / ".local/share/nbfab").exists()
        assert not (here.home / ".local/state/nbfab/servers.json").exists()  # it is none that `list` shows


class _Jar:
    """A browser that keeps cookies."""

    def __init__(self) -> None:
        context = ssl._create_unverified_context()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.HTTPSHandler(context=context),
        )

    def get(self, url: str) -> tuple[int, str]:
        try:
            with self._opener.open(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_server_of_a_host_is_opened_and_its_token_logs_in(there: Machine, tmp_path: Path, *, tls: bool) -> None:
    scheme = "https" if tls else "http"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\ncat "${{1#file://}}" >{tmp_path}/new && mv {tmp_path}/new {tmp_path}/page\n')
    browser.chmod(0o755)
    with stray(tmp_path / "one", f"--ServerApp.token={TOKEN}", "--ServerApp.base_url=/deep", tls=tls) as server:
        with opened(there, f"--port={server.port}", "--login", BROWSER=f"{browser} %s", DISPLAY=":9") as page:
            wait_until(lambda: "(Control-C" in page.said or page.process.poll() is not None, "the page to be open")
            (url,) = re.findall(rf"({scheme}://localhost:[0-9]+/deep/)  \(Control-C", page.said)
            assert "this is a Jupyter server that nbfab did not start" in page.said
            assert ("its certificate: SHA-256 " in page.said) == tls
            assert TOKEN not in page.said
            wait_until((tmp_path / "page").exists, "the browser to be started")
            form = (tmp_path / "page").read_text()
            assert f'<form action="{url}">' in form
            (token,) = re.findall(r'name="token" value="([^"]*)"', form)
            jar = _Jar()
            assert jar.get(f"{url}api/kernels")[0] == 403
            jar.get(f"{url}?token={token}")
            assert jar.get(f"{url}api/kernels") == (200, "[]")
            assert there.sshd
            there.sshd.cut()
            page.prints("connected again")
            assert jar.get(f"{url}api/kernels") == (200, "[]")
            assert page.close() == 0
        assert "Malformed" not in (server.home / "stray.log").read_text()
        assert lives(server.pid)


def test_an_open_server_of_a_host_needs_no_token(there: Machine, tmp_path: Path) -> None:
    with stray(tmp_path / "one", *OPEN) as server, opened(there, f"--port={server.port}", "--no-browser") as page:
        wait_until(lambda: "(Control-C" in page.said or page.process.poll() is not None, "the page to be open")
        (url,) = re.findall(r"(http://localhost:[0-9]+/)  \(Control-C", page.said)
        assert "is open without a password or token" in page.said
        assert _Jar().get(f"{url}api/kernels") == (200, "[]")
