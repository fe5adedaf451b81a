"""No warning: what a person does once, and two real browsers that open the notebook of a host by its name."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import venvs
from chromium import chromium
from firefox import Firefox, firefox, profile_of
from machine import BIN, PASSWORD, ROOT, Machine
from notebook_page import CELL, CONNECTED, NEW, OUTPUT, STATUS
from playwright.sync_api import Error, Page, expect
from sshd import Sshd
from system import System, environment

HOST = "gpu1.lab.test"
CODE = "import matplotlib.pyplot as plt\nprint(6 * 7)\n_ = plt.plot([1, 4, 9, 16])"
ENTER = "\ue007"
SCREENSHOTS = ROOT / "screenshots"


class Person(Machine):
    """Someone with browsers, on a machine of their own, and a host that they reach over SSH."""

    def __init__(self, folder: Path, sshd: Sshd) -> None:
        super().__init__(folder, sshd, "nbfab")
        sshd.write_config(name=HOST)
        self.system = System(folder / "system", [HOST])
        self.mine = folder / "home"
        self.env |= environment(self.mine, PATH=f"{BIN}:{os.environ['PATH']}")
        geo = venvs.environment(folder / "geo")
        (geo / "share").symlink_to(Path(sys.prefix) / "share")  # the pages of Jupyter
        self.env["NBFAB_PYTHON"] = str(geo)
        self.url = f"https://{HOST}:{self.port}"

    def command(self, *args: str) -> list[str]:
        """A task, on the host unless it is one for this machine."""
        assert self.sshd
        where = [] if args[0] in ("ca", "trust") else ["-S", str(self.sshd.config), "-H", HOST]
        return self.system.within([self.program, *where, *args])


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with Sshd(tmp_path / "host") as sshd:
        person = Person(tmp_path, sshd)
        yield person
        person.close()


def _chromium_runs_a_cell(page: Page, url: str) -> None:
    answer = page.goto(url)
    assert answer
    details = answer.security_details()
    assert details
    assert str(details["issuer"]).startswith("nbfab authority of ")
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url("**/tree**")
    page.goto(f"{url}/notebooks/{page.evaluate(NEW, CODE)}")
    page.locator(CONNECTED).wait_for(state="attached")
    expect(page.locator(STATUS)).to_have_attribute("data-status", "idle")
    page.locator(CELL).first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(OUTPUT, has_text="42").first).to_be_visible()
    expect(page.locator(f"{OUTPUT} img").first).to_be_visible()
    assert page.evaluate("isSecureContext")


def _firefox_runs_a_cell(fox: Firefox, url: str) -> None:
    assert fox.refuses(url) == ""
    fox.evaluate("word => { document.querySelector('#password_input').value = word }", PASSWORD)
    fox.evaluate("() => document.querySelector('#login_submit').click()")
    fox.wait_for("location.pathname.startsWith('/tree')")
    assert fox.refuses(f"{url}/notebooks/{fox.evaluate(NEW, CODE)}") == ""
    fox.wait_for(f"document.querySelector('{CONNECTED}')")
    fox.wait_for(f"document.querySelector('{STATUS}').dataset.status == 'idle'")
    fox.evaluate(f"() => document.querySelector('{CELL} .cm-content').focus()")
    fox.press(ENTER, shift=True)
    fox.wait_for(f"document.querySelector('{OUTPUT}')?.textContent.includes('42')")
    fox.wait_for(f"document.querySelector('{OUTPUT} img')?.complete")
    assert fox.evaluate("() => isSecureContext")
    assert fox.connection == "verifiedDomain"


def _refusal(page: Page, url: str) -> str:
    with pytest.raises(Error, match="ERR_CERT") as error:
        page.goto(url)
    return error.value.message


def test_two_browsers_open_a_host_without_a_warning_until_trust_is_removed(person: Person) -> None:
    profile_of(person.mine)
    (person.work / "hosts.yaml").write_text(f"hosts:\n  {HOST}:\n")
    person.ok("ca")
    person.ok("trust", "--yes")
    person.ok("setup")
    with chromium(person.mine, [HOST], person.system.within) as browser:
        page = browser.new_page()
        _chromium_runs_a_cell(page, person.url)
        page.screenshot(path=SCREENSHOTS / "no-warning-chromium.png")
    with firefox(person.mine, [HOST], person.system.within) as fox:
        _firefox_runs_a_cell(fox, person.url)
        fox.screenshot(SCREENSHOTS / "no-warning-firefox.png")
    person.ok("trust", "--remove", "--yes")
    with chromium(person.mine, [HOST], person.system.within) as browser:
        assert "ERR_CERT_AUTHORITY_INVALID" in _refusal(browser.new_page(), person.url)
    with firefox(person.mine, [HOST], person.system.within) as fox:
        assert fox.refuses(person.url) == "SEC_ERROR_UNKNOWN_ISSUER"
