"""The login page in a browser: each server shows whose it is, also after a wrong password, and on a phone."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import chromium
from machine import ROOT
from notebook_servers import FIRST, Server
from plan_cases import NEW, WANTED, wanting
from playwright.sync_api import Browser, expect

from nbfab.plan import login
from nbfab.wanted import Wanted

LONG = replace(wanting(profile="a-profile-with-a-name-of-its-own"), names=("a-host-with-a-long-name.lab.example.org",))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium(tmp_path) as browser:
        yield browser


def put(server: Server, wanted: Wanted) -> None:
    """Puts the login page into place, as nbfab does, while the server runs."""
    path = server.folder / login.FILE
    path.parent.mkdir(exist_ok=True)
    new = path.with_name("new")
    new.write_text(login.text(wanted, NEW))
    new.replace(path)


@pytest.mark.parametrize("size", [(1100, 700), (390, 700)], ids=["desk", "phone"])
def test_the_page_says_whose_it_is(
    guarded: Server, browser: Browser, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    put(guarded, LONG)
    view = browser.new_page(viewport={"width": size[0], "height": size[1]})
    view.goto(f"http://127.0.0.1:{guarded.port}/login")
    heading = view.get_by_role("heading", name=LONG.names[0])
    expect(heading).to_be_visible()
    expect(view.get_by_text(f"Notebook server, profile {LONG.settings.profile}")).to_be_visible()
    expect(view).to_have_title(f"{LONG.names[0]} ({LONG.settings.profile})")
    expect(view.get_by_text("Token authentication")).to_have_count(0)
    assert view.evaluate("document.documentElement.scrollWidth") <= size[0]
    above, form = heading.bounding_box(), view.locator("#password_input").bounding_box()
    assert above
    assert form
    assert above["y"] + above["height"] <= form["y"]
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    view.screenshot(path=folder / f"login-{request.node.callspec.id}.png")
    view.fill("#password_input", "wrong horse battery")
    view.click("#login_submit")
    expect(view.get_by_text("Invalid credentials")).to_be_visible()
    expect(heading).to_be_visible()
    view.fill("#password_input", FIRST)
    view.click("#login_submit")
    expect(heading).to_have_count(0)
    view.close()


def test_a_host_without_a_name_is_called_what_it_calls_itself(guarded: Server, browser: Browser) -> None:
    put(guarded, replace(WANTED, names=("192.0.2.7",)))
    view = browser.new_page()
    view.goto(f"http://127.0.0.1:{guarded.port}/login")
    expect(view.get_by_role("heading", name=socket.gethostname(), exact=True)).to_be_visible()
    expect(view.get_by_text("Notebook server at 192.0.2.7, profile nbserver")).to_be_visible()
    # A page that is replaced is the one that the next visitor gets.
    put(guarded, WANTED)
    view.reload()
    expect(view.get_by_role("heading", name="box.example.org", exact=True)).to_be_visible()
    view.close()
