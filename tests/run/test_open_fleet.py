"""Open of a fleet: one page here that lists the hosts, whatever has become of each, and opens them."""

import http.client
import json
import re
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chromium import SLOWEST, chromium
from documents import check_document
from machine import PASSWORD, ROOT
from opened import Run
from playwright.sync_api import Browser, expect
from sshd import wait_until
from sshd_fleet import Fleet


class Opened(Run):
    """A run of `fleet.open`."""

    @property
    def url(self) -> str:
        """The page."""
        wait_until(lambda: "http://127" in self.said or self.process.poll() is not None, "the page to be served")
        assert self.process.poll() is None, self.said
        found: list[str] = re.findall(r"http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{32}/", self.said)
        return found[0]

    def events(self) -> list[dict[str, Any]]:
        """The events that were told since the document."""
        return [json.loads(line) for line in self.said.splitlines()[1:]]

    def event(self, host: str, state: str) -> dict[str, Any]:
        """The first event that tells of that state of a host, once there is one."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events() if (event["host"], event["state"]) == (host, state)]

        wait_until(found, f"{host}: {state}")
        return found()[0]

    def rows(self) -> dict[str, str]:
        """The HTML of the row of each host, as the page has it now."""
        found: list[str] = re.findall(r"<tr role=.row. data-made.*</tr>", self.ask("").read().decode())
        return {re.findall(r"rowheader.>([^<]*)<", row)[0]: row for row in found}

    def ask(self, path: str, **form: str) -> http.client.HTTPResponse:
        """What the page answers; to a form, if one is given, that it had for it."""
        url = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        origin = {"Origin": f"http://{url.netloc}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(form)
        connection.request("POST" if form else "GET", url.path + path, body or None, origin if form else {})
        return connection.getresponse()

    def press(self, host: str, path: str) -> tuple[int, str]:
        """What comes of the button of a host."""
        row = self.rows()[host]
        form = {name: re.findall(rf'name="{name}" value="([^"]*)"', row)[0] for name in ("token", "row")}
        answer = self.ask(path, **form)
        return answer.status, answer.read().decode()


@contextmanager
def opened(fleet: Fleet, *args: str, **env: str) -> Iterator[Opened]:
    out = fleet.folder / "out"
    with open(out, "wb") as file, open(fleet.folder / "err", "wb") as err:
        process = subprocess.Popen(
            fleet.command("open", *args),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=err,
            env=fleet.machine.env | env,
            cwd=fleet.work,
        )
    it = Opened(process, out)
    try:
        yield it
    finally:
        if process.poll() is None:
            it.close()
        assert "Traceback" not in it.said + (fleet.folder / "err").read_text()


@pytest.fixture
def mixed(three: Fleet) -> Fleet:
    """A fleet of which one host runs a server, one has nothing, and one is down."""
    assert three.run("setup", "--limit", "one", NBFAB_PASSWORD=PASSWORD).returncode == 0
    three.hosts["three"].stop()
    return three


@pytest.fixture
def browser(mixed: Fleet, tmp_path: Path) -> Iterator[Browser]:
    """A browser that trusts the certificate of the host that runs a server."""
    home = tmp_path / "browser"
    trusted = home / ".pki/nssdb"
    trusted.mkdir(parents=True)
    certutil = ["certutil", "-d", f"sql:{trusted}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    pem = str(mixed.profile("one") / "nbserver.pem")
    subprocess.run([*certutil, "-A", "-n", "one", "-t", "P,,", "-i", pem], check=True)
    with chromium(home) as browser:
        yield browser


def test_the_page_shows_each_host_and_logs_in(mixed: Fleet, browser: Browser) -> None:
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    with opened(mixed, "--no-browser") as it:
        for scheme, width in (("light", 1100), ("dark", 1100), ("light", 390), ("dark", 390)):
            context = browser.new_context(
                viewport={"width": width, "height": 700}, color_scheme="dark" if scheme == "dark" else "light"
            )
            view = context.new_page()
            view.goto(it.url)
            expect(view.get_by_role("row").filter(has_text="one")).to_contain_text("up")
            expect(view.get_by_role("row").filter(has_text="two")).to_contain_text("not set up")
            expect(view.get_by_role("row").filter(has_text="two")).to_contain_text("fleet.setup")
            expect(view.get_by_role("row").filter(has_text="three")).to_contain_text("connection refused")
            expect(view.get_by_text("1 of 3 connected")).to_be_visible()
            assert view.evaluate("document.documentElement.scrollWidth") <= width
            view.screenshot(path=folder / f"open-fleet-{scheme}-{width}.png", full_page=True)
            context.close()
        page = browser.new_context().new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(it.url)
        with page.context.expect_page() as new:
            page.get_by_role("button", name="Open: one").click()
        tree = new.value
        tree.wait_for_url("https://localhost:*/tree**")
        assert tree.evaluate("fetch('/api/contents').then(answer => answer.status)") == 200
        # It sees that a host is there again by itself, and one that is set up once a person asks.
        mixed.hosts["three"].start()
        assert mixed.run("setup", "--limit", "two", NBFAB_PASSWORD=PASSWORD).returncode == 0
        page.get_by_role("button", name="Look again: two").click()
        expect(page.get_by_role("button", name="Open: two")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="three")).to_contain_text("not set up")
        assert it.close() == 0
        expect(page.get_by_role("alert")).to_be_visible()


def test_each_host_goes_its_own_way(mixed: Fleet) -> None:
    """One link is cut, its server stopped and started; a program hears of all that, and no secret is in its way."""
    with opened(mixed, "--json") as it:
        assert it.url
        document = json.loads(it.said.splitlines()[0])
        check_document(document)
        assert document["page"] == it.url
        hosts = {host["host"]: host for host in document["hosts"]}
        assert {name: host["verdict"] for name, host in hosts.items()} == {
            "one": "running",
            "two": "refused",
            "three": "not reached",
        }
        assert hosts["one"]["url"].startswith("https://localhost:")
        assert "connection refused" in hosts["three"]["error"]
        secret = it.url.split("/")[3]
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if secret.encode() in _read(path)]
        assert not [path for path in Path("/proc").glob("[0-9]*/environ") if secret.encode() in _read(path)]

        mixed.hosts["one"].cut()
        assert "cut" in it.event("one", "down")["text"]
        wait_until(lambda: "up" in it.rows()["one"], "the link to be there again")
        status, page = it.press("one", "open")
        assert status == 200
        assert f'action="{hosts["one"]["url"]}nbfab-login"' in page

        # A server that was restarted takes no token of the one before.
        assert mixed.run("restart", "--limit", "one", "--yes").returncode == 0
        status, again = it.press("one", "open")
        assert status == 200
        assert nonce(again) != nonce(page)
        assert mixed.run("stop", "--limit", "one", "--yes").returncode == 0
        status, page = it.press("one", "open")
        assert status == 502
        assert "fleet.start" in page
        assert "server stopped" in it.rows()["one"]
        assert mixed.run("start", "--limit", "one").returncode == 0
        it.press("one", "look")
        wait_until(lambda: ">Open<" in it.rows()["one"], "the host to be up")
        status, page = it.press("one", "open")
        assert status == 200, page
        assert status == 200
        assert {event["host"] for event in it.events()} == {"one"}, "the others are as they were"
        assert it.close() == 0


def test_a_form_of_another_page_opens_nothing(mixed: Fleet) -> None:
    with opened(mixed, "--no-browser", "--limit", "one") as it:
        assert it.ask("open", token="guessed", row="0").status == 403
        assert it.ask("open", token=token(it), row="1").status == 403
        assert it.ask("open", token=token(it), row="-1").status == 403
        assert it.ask("open").status == 404
        assert it.ask("", token=token(it), row="0").status == 405


def test_a_host_that_takes_a_person(mixed: Fleet) -> None:
    two = mixed.hosts["two"]
    allowed = two.folder / "authorized_keys"
    before = allowed.read_text()
    allowed.write_text("")
    with opened(mixed, "--json", "--limit", "two") as it:
        assert it.url
        assert "a person is needed" in it.rows()["two"]
        tries = two.connections
        allowed.write_text(before)
        it.press("two", "look")
        wait_until(lambda: "not set up" in it.rows()["two"], "the host to be looked at")
        assert two.connections == tries + 1, "it was left alone before"
        assert it.close() == 1


def test_other_runs_know_of_it(mixed: Fleet) -> None:
    """A host that is open here is opened once, by whichever command; and other tasks go over its link."""
    with opened(mixed, "--no-browser", "--limit", "one") as it:
        assert it.url
        (url,) = set(re.findall(r"https://localhost:[0-9]+/", it.said))
        alone = [mixed.command("open")[0], "-S", str(mixed.config), "-H", "one"]
        logins = mixed.hosts["one"].connections
        (host,) = json.loads(run(mixed, *alone, "open", "--no-browser", "--json"))["hosts"]
        assert host["url"] == url
        assert "it is open already" in host["notes"]
        assert mixed.hosts["one"].connections == logins
        assert "without a login" in run(mixed, *alone, "status")
        assert mixed.hosts["one"].connections == logins
        run(mixed, *alone, "close")
        wait_until(lambda: "closed here" in it.rows()["one"], "the page to know")
        it.press("one", "look")
        wait_until(lambda: ">Open<" in it.rows()["one"], "the host to be up")
        assert url in it.rows()["one"], "its port is remembered"


def run(fleet: Fleet, *command: str) -> str:
    """What a command prints."""
    env = {**fleet.machine.env, "NBFAB_PORT": str(fleet.ports["one"])}
    done = subprocess.run(command, env=env, cwd=fleet.work, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def nonce(page: str) -> str:
    (found,) = re.findall(r'name="nonce" value="(\S+)"', page)
    return str(found)


def token(it: Opened) -> str:
    found: list[str] = re.findall(r'name="token" value="([^"]*)"', it.ask("").read().decode())
    return found[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def test_a_host_has_a_name_of_its_own_if_its_certificate_does(mixed: Fleet) -> None:
    with opened(mixed, "--no-browser", "--host-names", "--limit", "one") as it:
        assert it.url
        assert "its certificate is not for one.localhost" in it.said
        assert "fleet.certificate" in it.said
        assert "https://localhost:" in it.rows()["one"]
    assert mixed.run("certificate", "--limit", "one", "--name=one.localhost", "--yes").returncode == 0
    with opened(mixed, "--no-browser", "--host-names", "--limit", "one") as it:
        assert it.url
        assert "https://one.localhost:" in it.rows()["one"]
        status, page = it.press("one", "open")
        assert status == 200
        assert 'action="https://one.localhost:' in page
