"""Slips as they are printed, and as they are seen before: on a desk, on a phone, in the dark."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from chromium import chromium
from machine import ROOT
from playwright.sync_api import Browser, expect

from nbfab.display.slips import page
from nbfab.fleet.slips import Slip

FINGERPRINT = ":".join(["A1", "5F"] * 16)
CLASS = [
    Slip(
        f"s{at:02}",
        "nbserver",
        f"https://s{at:02}.school.example.org:9999/",
        FINGERPRINT,
        f"abcde-{at:02}k7x-mnbvc-qwert",
    )
    for at in range(1, 12)
]
CLASS.insert(3, Slip("s-typed", "nbserver", "https://s-typed.school.example.org:9999/", why_not="it is not in x.csv"))
CLASS.append(Slip("a-host-with-a-long-name" * 3, "second", "", why_not="it is not in x.csv"))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium(tmp_path) as browser:
        yield browser


def test_the_slips_of_a_class(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "slips.html"
    file.write_text(page(CLASS))
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    for name, width, scheme, media in (
        ("desk", 1100, "light", "screen"),
        ("phone", 390, "dark", "screen"),
        ("print", 720, "dark", "print"),  # what fits between the margins of A4
    ):
        view = browser.new_page(viewport={"width": width, "height": 900})
        view.emulate_media(media=media, color_scheme=scheme)  # type: ignore[arg-type]
        view.goto(file.as_uri())
        expect(view.get_by_role("article")).to_have_count(len(CLASS))
        first = view.get_by_role("article").first
        for text in ("s01", CLASS[0].url, CLASS[0].password, FINGERPRINT, "profile nbserver"):
            expect(first.get_by_text(text).first).to_be_visible()
        expect(view.get_by_text("Not on this slip: ask for it.")).to_have_count(2)
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        code = first.locator("svg").bounding_box()
        assert code
        assert code["width"] == code["height"] > 90
        assert first.locator("svg").evaluate("code => getComputedStyle(code).backgroundColor") == "rgb(255, 255, 255)"
        back = view.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") == (scheme == "light" or media == "print")
        assert view.evaluate("performance.getEntriesByType('resource').length") == 0
        view.screenshot(path=folder / f"slips-{name}.png", full_page=True)
        if media == "print":
            tops = [box["y"] for slip in view.get_by_role("article").all() if (box := slip.bounding_box())]
            assert tops[0] == tops[1] < tops[2]  # two in a row, each whole on its page
            assert first.evaluate("slip => getComputedStyle(slip).breakInside") == "avoid"
        view.close()


def test_a_code_holds_the_url_alone() -> None:
    made = page(CLASS)
    codes = re.findall("<svg.*?</svg>", made)
    with_url = [slip for slip in CLASS if slip.url]
    assert codes == [segno.make(slip.url, error="m", micro=False).svg_inline(omitsize=True) for slip in with_url]
    passwords = [slip.password for slip in CLASS if slip.password]
    assert [made.count(password) for password in passwords] == [1] * len(passwords)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://x/", "https://x/\n", f"https://x/{'a' * 400}", '"><script>alert(1)</script>']
)
def test_what_is_no_url_of_a_server_is_no_link_and_no_code(url: str) -> None:
    made = page([Slip("x", "nbserver", url, FINGERPRINT, "abcde-fghij-klmno")])
    assert "<a " not in made
    assert "<svg" not in made


def test_nothing_on_a_slip_becomes_markup() -> None:
    lie = '<script>alert(1)</script>"\x1b[2J'
    made = page([Slip(lie, lie, f"https://x/{lie}", lie, lie, lie)])
    assert "<script" not in made
    assert "\x1b" not in made
    assert '"https://x/<' not in made
