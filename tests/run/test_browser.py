"""The notebook as a person sees it: in a real browser, from the login to a plot."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import SLOWEST, chromium, trust
from machine import PASSWORD, ROOT, Machine
from notebook_page import CELL, CONNECTED, NEW, OUTPUT, STATUS
from playwright.sync_api import Browser, expect
from venvs import environment

PLOT = "import os, matplotlib.pyplot as plt\nprint(os.path.basename(os.getcwd()))\n_ = plt.plot([1, 4, 9, 16])"


@pytest.fixture
def browser(tmp_path: Path, here: Machine) -> Iterator[Browser]:
    """A browser of someone who has told it to trust the certificate, and nothing else."""
    geo = environment(tmp_path / "geo")
    (geo / "share").symlink_to(Path(sys.prefix) / "share")  # the pages of Jupyter
    here.ok("serve", "--python", str(geo))
    home = tmp_path / "browser"
    trust(home, here.folder / "nbserver.pem")
    with chromium(home) as browser:
        yield browser


def test_from_the_login_to_a_plot(here: Machine, browser: Browser) -> None:
    base = f"https://localhost:{here.port}"
    page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
    page.set_default_timeout(SLOWEST)
    page.goto(base)
    page.fill("#password_input", "wrong horse battery")
    page.click("#login_submit")
    expect(page.get_by_text("Invalid credentials")).to_be_visible()
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url("**/tree**")
    page.goto(f"{base}/notebooks/{page.evaluate(NEW, PLOT)}")
    # Shift+Enter runs nothing where the page has not yet asked for a kernel.
    page.locator(CONNECTED).wait_for(state="attached")
    expect(page.locator(STATUS)).to_have_attribute("data-status", "idle")
    page.locator(CELL).first.click()
    page.keyboard.press("Shift+Enter")
    plot = page.locator(f"{OUTPUT} img").first
    expect(plot).to_be_visible()
    expect(page.get_by_text("Python 3 (nbserver: geo)")).to_be_visible()
    assert plot.evaluate("image => image.naturalWidth") > 100
    expect(page.locator(OUTPUT, has_text=here.work.name).first).to_be_visible()
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / "notebook.png")
