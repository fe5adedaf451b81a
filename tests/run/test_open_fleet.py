"""Open of a fleet: one page here that lists the hosts, whatever has become of each, and opens them."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chromium import SLOWEST, chromium
from machine import PASSWORD, ROOT
from playwright.sync_api import Browser, expect
from sshd import wait_until
from sshd_fleet import Fleet


class Opened:
    """A run of `fleet.open`, and what it prints."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path) -> None:
        self.process, self.out = process, out

    @property
    def said(self) -> str:
        return self.out.read_text()

    @property
    def url(self) -> str:
        """The page."""
        wait_until(lambda: "http://127" in self.said or self.process.poll() is not None, "the page to be served")
        assert self.process.poll() is None, self.said
        found: list[str] = re.findall(r"http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{32}/", self.said)
        return found[0]

    def event(self, host: str, state: str) -> dict[str, Any]:
        """The last event that tells of that state of a host, once there is one."""

        def events() -> list[dict[str, Any]]:
            lines = [json.loads(line) for line in self.said.splitlines()]
            return [line for line in lines if (line.get("host"), line.get("state")) == (host, state)]

        wait_until(events, f"{host}: {state}")
        return events()[-1]

    def close(self) -> int:
        """Control-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def opened(fleet: Fleet, *args: str, **env: str) -> Iterator[Opened]:
    out = fleet.folder / "out"
    with open(out, "wb") as file:
        process = subprocess.Popen(
            fleet.command("open", *args),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=fleet.machine.env | env,
            cwd=fleet.work,
        )
    it = Opened(process, out)
    try:
        yield it
    finally:
        if process.poll() is None:
            it.close()
        assert "Traceback" not in it.said


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
