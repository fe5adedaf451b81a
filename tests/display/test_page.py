"""The page of a fleet, as a person sees it: on a phone, in the dark, in a browser of one's own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import chromium
from documents import check_document
from machine import PASSWORD, ROOT
from playwright.sync_api import Browser, expect
from sshd import free_port
from sshd_fleet import Fleet

from nbfab.display.page import page
from nbfab.fix import Command, there
from nbfab.outcome import Outcome


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium(tmp_path) as browser:
        yield browser


def test_the_page_of_a_fleet(three: Fleet, browser: Browser) -> None:
    assert three.run("setup", "--limit", "one,two", NBFAB_PASSWORD=PASSWORD).returncode == 0
    three.ways["three"] = f"Port {free_port()}"
    three.write()
    said = three.run("page")
    assert said.returncode == 1, said.stderr
    assert "2 of 3 running" in said.stdout
    file = three.work / "fleet.html"
    document = json.loads(three.run("page", "--limit", "one,two", "--json", "--output", "two.html").stdout)
    check_document(document)
    assert document["page"] == str(three.work / "two.html")
    assert [(host["host"], host["state"]["running"]) for host in document["hosts"]] == [("one", True), ("two", True)]
    text = file.read_text()
    assert PASSWORD not in text
    assert "argon2" not in text
    links = re.findall(r"(?:src|href)=(\S*)", text)
    assert len(links) == 2
    assert all(link.startswith('"https://127.0.0.1:') for link in links)
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    for name, scheme, width, media in (
        ("desk", "light", 1100, "screen"),
        ("phone", "dark", 390, "screen"),
        ("print", "dark", 720, "print"),
    ):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        view = context.new_page()
        view.emulate_media(media=media)  # type: ignore[arg-type]
        with view.expect_event("requestfinished") as first:
            view.goto(file.as_uri())
        assert first.value.url == file.as_uri()
        expect(view.get_by_role("heading", name="one", exact=True)).to_be_visible()
        expect(view.get_by_role("link", name=f"https://127.0.0.1:{three.ports['one']}/")).to_be_visible()
        expect(view.get_by_text("connection refused")).to_be_visible()
        # Nothing sticks out on a phone, and nothing is fetched from elsewhere.
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        expect(view.get_by_text(f"ssh -t -F {three.config} one tmux -S ")).to_be_visible()
        expect(view.get_by_text(f"fleet.open --inventory {three.inventory} --limit one")).to_be_visible()
        assert view.evaluate("performance.getEntriesByType('resource').length") == 0
        if media == "print":
            expect(view.get_by_role("button")).to_have_count(0)
            assert view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        else:
            view.get_by_role("button", name="Copy").first.click()
            expect(view.get_by_role("button", name="Copied")).to_be_visible()
        view.screenshot(path=folder / f"fleet-{name}.png", full_page=True)
        context.close()


def test_nothing_that_a_host_says_becomes_markup() -> None:
    lie = '<script>alert(1)</script>"\x1b[2J'
    outcome = Outcome(
        lie,
        "status",
        "running",
        error=lie,
        fix=(Command(lie, lie),),
        url=f"https://x/{lie}",
        state={"fingerprint": lie, "days_left": 1, "kernels": [lie], "attach": lie, "ssh": lie},
    )
    made = page([outcome, Outcome(lie, "status", "failed", error=lie, fix=(lie,), status=1)], "now", str)
    assert "<script>alert" not in made
    assert "\x1b" not in made
    assert '"https://x/<' not in made


def test_each_part_of_a_fix_has_its_line() -> None:
    fix = ("as an administrator", there("sudo apt-get install tmux"))
    made = page([Outcome("gpu1", "status", "failed", error="no tmux", fix=fix, status=1)], "now", str)
    assert re.findall(r'<p class="dim">(.*)</p>', made)[-2:] == ["Fix: as an administrator", "on gpu1"]
    assert re.findall("<code>(.*)</code>", made) == ["sudo apt-get install tmux"]


def test_a_server_that_runs_can_be_opened_by_a_command() -> None:
    outcomes = [Outcome("gpu1", "status", "running"), Outcome("gpu2", "status", "not running", error="-", status=1)]
    made = page(outcomes, "now", lambda name: f"nbfab -H {name} open")
    assert re.findall(r"<code>(.*)</code>", made) == ["nbfab -H gpu1 open"]
