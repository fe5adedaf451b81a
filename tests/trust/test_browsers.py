"""What `trust` writes is what real browsers read, wherever that is."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
from chromium import chromium
from firefox import firefox, profile_of
from playwright.sync_api import Error
from tls_clients import address, served
from trusting import Trusting, authority, issued

HOST = "gpu1.lab.test"
OLD, NEW = ".pki/nssdb", ".local/share/pki/nssdb"


@pytest.fixture
def url(trusting: Trusting) -> Iterator[str]:
    """The page of a host with a certificate of an authority's."""
    file = trusting.folder / "host.pem"
    file.write_bytes(issued(authority("lab.test"), HOST))
    with served(HOST, str(file)) as port:
        yield address(HOST, port)


def _in_chromium(trusting: Trusting, url: str) -> str:
    """What is wrong with the page."""
    with chromium(trusting.home, [HOST], trusting.system.within) as browser:
        try:
            browser.new_page().goto(url)
        except Error as error:
            return error.message.split()[1]
    return ""


def _in_firefox(trusting: Trusting, url: str, meanwhile: Callable[[], object] = lambda: None) -> str:
    """What is wrong with the page."""
    with firefox(trusting.home, [HOST], trusting.system.within) as fox:
        found = fox.refuses(url)
        meanwhile()
    return found


@pytest.mark.parametrize("there", [(OLD,), (NEW,), (OLD, NEW)], ids=["old", "new", "both"])
def test_chromium_reads_what_is_there(trusting: Trusting, url: str, there: tuple[str, ...]) -> None:
    for folder in there:
        (trusting.home / folder).mkdir(parents=True)
        certutil = ["certutil", "-d", f"sql:{trusting.home / folder}"]
        subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    assert _in_chromium(trusting, url).endswith("ERR_CERT_AUTHORITY_INVALID")
    trusting.nbfab("trust", "--yes")
    assert _in_chromium(trusting, url) == ""
    trusting.nbfab("trust", "--remove", "--yes")
    assert _in_chromium(trusting, url).endswith("ERR_CERT_AUTHORITY_INVALID")


@pytest.mark.parametrize("old", [True, False], ids=["old place", "its own"])
def test_firefox_that_runs_goes_by_it_at_its_next_start(trusting: Trusting, url: str, old: bool) -> None:
    if old:  # newer ones have profiles there only if they find the folder
        (trusting.home / ".mozilla/firefox").mkdir(parents=True)
    assert not old or ".mozilla" in str(profile_of(trusting.home))
    said: list[str] = []
    unknown = "SEC_ERROR_UNKNOWN_ISSUER"
    assert _in_firefox(trusting, url, lambda: said.append(trusting.nbfab("trust", "--yes"))) == unknown
    assert "Firefox runs, and takes it up at its next start" in said[0]
    assert _in_firefox(trusting, url, lambda: trusting.nbfab("trust", "--remove", "--yes")) == ""
    assert _in_firefox(trusting, url) == unknown
