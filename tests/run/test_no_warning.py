"""No warning: what a person does once, and two real browsers that open the notebook of a host by its name."""

import pytest
from chromium import chromium
from firefox import firefox, profile_of
from machine import PASSWORD, ROOT
from notebook_page import CELL, CODE, CONNECTED, NEW, OUTPUT, STATUS, firefox_runs
from opened import opened
from person import HOST, OTHER, Person
from playwright.sync_api import Error, Page, expect

SCREENSHOTS = ROOT / "screenshots"


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
        firefox_runs(fox, person.url, PASSWORD)
        assert fox.connection == "verifiedDomain"
        fox.screenshot(SCREENSHOTS / "no-warning-firefox.png")
    person.ok("trust", "--remove", "--yes")
    with chromium(person.mine, [HOST], person.system.within) as browser:
        assert "ERR_CERT_AUTHORITY_INVALID" in _refusal(browser.new_page(), person.url)
    with firefox(person.mine, [HOST], person.system.within) as fox:
        assert fox.refuses(person.url) == "SEC_ERROR_UNKNOWN_ISSUER"


def test_the_url_is_one_that_the_authority_may_sign(person: Person) -> None:
    assert person.sshd
    person.sshd.write_config(f"Host {HOST}\n  HostName {OTHER}\n  HostKeyAlias [127.0.0.1]:{person.sshd.port}\n", HOST)
    person.ok("ca", "--allow", "lab.test")
    person.ok("setup")
    host = person.json("status")
    assert OTHER not in host["state"]["names"]
    assert host["url"] == f"{person.url}/"


def test_open_has_none_to_tell_of_and_none_comes(person: Person) -> None:
    profile_of(person.mine)
    person.ok("ca", "--allow", "lab.test")
    person.ok("trust", "--yes")
    person.ok("setup")
    with opened(person, "--no-browser") as page:
        url = f"https://localhost:{page.port}"
        assert "warns" not in page.said
        with firefox(person.mine, [], person.system.within) as fox:
            firefox_runs(fox, url, PASSWORD)
