"""Open, as a person sees it: the browser that it starts is logged in, by what can be used once."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import ROOT, Machine
from opened import opened
from own_browser import OwnBrowser
from playwright.sync_api import Page, expect
from sshd import wait_until

FILES = ".jp-DirListing"  # of the page that lists the notebooks


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    there.ok("setup")
    return there


def _arguments_and_environments() -> bytes:
    """Those of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                found.append((path / name).read_bytes())
            except OSError:
                continue
    return b"\n".join(found)


def _token(machine: Machine) -> str:
    (info,) = (machine.folder / "runtime").glob("jpserver-*.json")
    return str(json.loads(info.read_text())["token"])


def _shot(page: Page, name: str) -> None:
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


def _shows_files(page: Page) -> None:
    expect(page.locator(FILES).first).to_be_visible()


@pytest.mark.parametrize("script", ["bin/browser", "snap/bin/browser"], ids=["file", "served"])
def test_logged_in_without_typing_and_only_once(there: Machine, tmp_path: Path, script: str) -> None:
    own = OwnBrowser(tmp_path / "browser", script)
    own.trust(there)
    pages = tmp_path / "pages"
    pages.mkdir()
    there.env |= {"BROWSER": str(own.script), "TMPDIR": str(pages)}
    with opened(there, "--login") as run:
        origin = f"https://localhost:{run.port}/"
        with own.seen() as seen:
            tab = seen.tab(origin)
            _shows_files(tab)
            _shot(tab, f"open-{script.partition('/')[0]}")
            (url,) = own.opened
            everything = _arguments_and_environments()
            assert _token(there).encode() not in everything
            again = seen.browser.new_context(ignore_https_errors=True).new_page()
            if script.startswith("snap"):
                assert url.startswith("http://127.0.0.1:")
                with pytest.raises(urllib.error.HTTPError, match="410"):
                    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url)
                run.prints("a second time")
                again.goto(url)
                expect(again.get_by_text("This page was for one use")).to_be_visible()
            else:
                page = Path(url.removeprefix("file://"))
                nonce = page.read_text().partition('name="nonce" value="')[2].partition('"')[0]
                assert len(nonce) > 30
                assert nonce.encode() not in everything
                again.goto(url)
                expect(again.get_by_text("This login was used")).to_be_visible()
                assert nonce not in (there.folder / "server.log").read_text() + run.said
            again.goto(origin)
            expect(again.locator("#password_input")).to_be_visible()
        assert run.close() == 0
    assert any(url.startswith(origin) for url in own.history)
    secrets = [_token(there), *([] if script.startswith("snap") else [nonce])]
    assert not [secret for secret in secrets if own.holds(secret)]
    assert not list(pages.glob("nbfab-login-*"))


def test_two_hosts_in_one_browser(host: Callable[..., Machine], tmp_path: Path) -> None:
    own = OwnBrowser(tmp_path / "browser")
    machines = [host(), host()]
    for machine in machines:
        machine.program = "nbfab"
        machine.ok("setup")
        own.trust(machine)
        machine.env["BROWSER"] = str(own.script)
    with opened(machines[0], "--login") as one, own.seen() as seen:
        tabs = [seen.tab(f"https://localhost:{one.port}/")]
        with opened(machines[1], "--login") as two:
            assert one.port != two.port
            wait_until(lambda: len(own.opened) == 2, "the browser to be asked for another page")
            tabs.append(seen.context.new_page())
            tabs[1].goto(own.opened[1])
            for tab in tabs:
                _shows_files(tab)
            for tab in tabs:  # the second login has not ended the first
                tab.reload()
                _shows_files(tab)
            names = {str(cookie["name"]) for cookie in seen.context.cookies()}
            assert {f"username-localhost-{run.port}" for run in (one, two)} <= names


@pytest.mark.parametrize("ip", ["*", "127.0.0.1"])
def test_a_name_of_its_own_has_cookies_of_its_own(there: Machine, tmp_path: Path, ip: str) -> None:
    if ip != "*":
        there.ok("setup", f"--ip={ip}")
    own = OwnBrowser(tmp_path / "browser")
    before, server = there.json("status")["state"], there.server
    there.env["BROWSER"] = str(own.script)
    with opened(there, "--login", "--host-names", "--no-browser") as run:
        assert run.port
        assert "it lacks box.localhost" in run.said
    own.trust(there)
    with opened(there, "--login", "--host-names") as run, own.seen() as seen:
        tab = seen.tab(f"https://box.localhost:{run.port}/")
        _shows_files(tab)
        _shot(tab, "open-host-names")
        assert {cookie["domain"] for cookie in seen.context.cookies()} == {"box.localhost"}
        assert not seen.context.cookies([f"https://localhost:{run.port}/", "http://localhost/"])
    after = there.json("status")["state"]
    assert "box.localhost" in after["names"]
    assert (after["pin"], there.server) == (before["pin"], server)


@pytest.mark.parametrize("script", ["bin/browser", "snap/bin/browser"], ids=["file", "served"])
def test_on_this_machine(here: Machine, tmp_path: Path, script: str) -> None:
    own = OwnBrowser(tmp_path / "browser", script)
    here.ok("setup")
    own.trust(here)
    here.ok("stop")
    here.env["BROWSER"] = str(own.script)
    said = here.ok("open", "--login")
    assert f"https://localhost:{here.port}/" in said
    with own.seen() as seen:
        _shows_files(seen.tab(f"https://localhost:{here.port}/"))
    assert here.server


def test_the_host_s_own_url(there: Machine, tmp_path: Path) -> None:
    own = OwnBrowser(tmp_path / "browser")
    own.trust(there)
    there.env["BROWSER"] = str(own.script)
    said = there.ok("open", "--direct", "--login")
    assert "may be missing" in said
    assert "fingerprint" in said
    with own.seen() as seen:
        tab = seen.tab(f"https://127.0.0.1:{there.port}/")
        expect(tab.locator("#password_input")).to_be_visible()


def test_no_browser_and_no_login_where_they_cannot_be(there: Machine) -> None:
    there.env["BROWSER"] = "true"
    with opened(there) as run:
        assert run.port
        if os.geteuid() == 0:
            assert "no browser is started as root" in run.said
    assert "contradict" in there.fails("open", "--login", "--no-login", status=2)


def test_one_document_without_a_link(served: Machine) -> None:
    host = served.json("open", "--no-browser")
    assert host["url"] == f"https://localhost:{served.port}/"
    assert host["verdict"] == "running"
