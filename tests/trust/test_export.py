"""`trust --export`: what other machines get, and the page that explains it."""

import json
import plistlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import chromium
from cryptography import x509
from documents import check_document
from machine import BIN, ROOT, Machine
from playwright.sync_api import Browser, expect
from roots import root_in
from sshd import free_port

from nbfab.display.instructions import page
from nbfab.trust.export import files, mobileconfig
from nbfab.trust.root import Root


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium(tmp_path) as browser:
        yield browser


@pytest.fixture
def person(tmp_path: Path) -> Machine:
    """Someone at a shell."""
    return Machine(tmp_path, program=f"{BIN}/nbfab")


def data(person: Machine) -> Path:
    return person.home / ".local/share"


@pytest.mark.real
def test_it_writes_all_that_is_needed(person: Machine) -> None:
    root = root_in(data(person), days_ago=3)
    told = person.ok("trust", "--export")
    folder = person.work / "trust"
    assert told == (
        f"{folder}/index.html: how other machines trust your authority\n"
        "  next         give people that folder, and read the fingerprint out to them\n"
        f"  SHA-256      {root.fingerprint}\n"
    )
    assert sorted(file.name for file in folder.iterdir()) == ["index.html", "root.crt", "root.mobileconfig"]
    assert x509.load_pem_x509_certificate((folder / "root.crt").read_bytes()) == root.certificate
    before = (folder / "root.mobileconfig").read_bytes()
    second = root_in(data(person))
    document = json.loads(person.ok("trust", "--export=elsewhere/for all", "--json"))
    check_document(document)
    folder = person.work / "elsewhere/for all"
    assert document["export"] == f"{folder}/index.html"
    names = ["index.html", "root-2.crt", "root-2.mobileconfig", "root.crt", "root.mobileconfig"]
    assert sorted(file.name for file in folder.iterdir()) == names
    assert (folder / "root.mobileconfig").read_bytes() == before
    assert second.fingerprint in (folder / "index.html").read_text().replace("<wbr>", "")
    (person.work / "file").write_text("")
    assert "could not be written: " in person.fails("trust", "--export=file/below", status=2)


@pytest.mark.real
def test_an_authority_for_this_machine_alone_is_of_no_use_elsewhere(person: Machine) -> None:
    person.ok("ca")
    mine = json.loads(person.ok("ca", "--json"))["authorities"][0]["fingerprint"]
    assert mine in person.ok("trust", "--export")
    person.ok("ca", "--new", "--allow=gpu1")
    said = person.ok("trust", "--export")
    assert mine not in said
    assert said.count("SHA-256") == 1
    names = ["index.html", "root.crt", "root.mobileconfig"]
    assert sorted(file.name for file in (person.work / "trust").iterdir()) == names


def test_a_profile_for_apple(tmp_path: Path) -> None:
    roots = [root_in(tmp_path), root_in(tmp_path)]
    assert all(mobileconfig(root) == mobileconfig(of_again(root)) for root in roots)
    profiles = [plistlib.loads(mobileconfig(root)) for root in roots]
    for profile, root in zip(profiles, roots, strict=True):
        assert profile["PayloadType"] == "Configuration"
        assert profile["PayloadDisplayName"] == root.name
        (payload,) = profile["PayloadContent"]
        assert payload["PayloadType"] == "com.apple.security.root"
        assert x509.load_der_x509_certificate(payload["PayloadContent"]) == root.certificate
    every = [payload for profile in profiles for payload in (profile, *profile["PayloadContent"])]
    for key in ("PayloadUUID", "PayloadIdentifier"):
        assert len({payload[key] for payload in every}) == 4


def of_again(root: Root) -> Root:
    """The same root, read anew."""
    return Root(x509.load_pem_x509_certificate(root.file.read_bytes()), root.file)


@pytest.mark.parametrize(
    ("name", "scheme", "width", "media"),
    [
        ("desk", "light", 1100, "screen"),
        ("phone", "light", 390, "screen"),
        ("phone-dark", "dark", 390, "screen"),
        ("print", "dark", 720, "print"),
    ],
)
def test_the_page(browser: Browser, tmp_path: Path, name: str, scheme: str, width: int, media: str) -> None:
    roots = [root_in(tmp_path, days_ago=1), root_in(tmp_path)]
    folder = tmp_path / "trust"
    folder.mkdir()
    for file, content in files(roots).items():
        (folder / file).write_bytes(content)
    (folder / "index.html").write_text(page(roots, "2026-11-26"))
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    view = context.new_page()
    view.emulate_media(media=media)  # type: ignore[arg-type]
    view.goto((folder / "index.html").as_uri())
    for root in roots:
        expect(view.get_by_role("heading", name=root.name)).to_be_visible()
        expect(view.get_by_text(root.fingerprint)).to_be_visible()
        expect(view.get_by_text(f"certutil -user -delstore Root {root.sha1}")).to_be_visible()
    for system in ("iPhone and iPad", "Android", "macOS", "Windows"):
        expect(view.get_by_role("heading", name=system)).to_be_visible()
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.evaluate("performance.getEntriesByType('resource').length") == 0
    links = re.findall(r'href="([^#"]+)"', (folder / "index.html").read_text())
    assert sorted(links) == sorted(files(roots))
    if media == "print":
        assert view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    elif name == "desk":
        with view.expect_download() as download:
            view.get_by_role("link", name="root.crt", exact=True).click()
        assert Path(download.value.path()).read_text() == roots[0].pem
    (ROOT / "screenshots").mkdir(exist_ok=True)
    view.screenshot(path=ROOT / f"screenshots/trust-{name}.png", full_page=True)
    context.close()


@pytest.mark.real
def test_a_page_of_a_fleet_links_to_it(person: Machine) -> None:
    (person.work / "hosts.yaml").write_text(f"hosts: {{a: {{address: 127.0.0.1, ssh_port: {free_port()}}}}}\n")
    (person.work / "pages").mkdir()

    def written(*args: str) -> tuple[str, str]:
        """What is printed, and the page, though the one host is not reached."""
        told = person.run("fleet.page", *args).stdout
        file = Path(told.partition(": 0 of 1 running")[0])
        return told, file.read_text()

    told, text = written()
    assert told.endswith(": 0 of 1 running\n")
    assert "<a " not in text
    root_in(data(person), days_ago=1)
    told, text = written()
    assert told.endswith(
        "  note         to link to a page on how to trust the hosts\n               nbfab trust --export\n"
    )
    assert "<a " not in text
    told, _ = written("--output=pages/fleet.html")
    line = told.splitlines()[-1].strip()
    assert line == f"nbfab trust --export={person.work}/pages/trust"
    person.ok(*line.split()[1:])
    told, text = written("--output=pages/fleet.html")
    assert told.endswith(": 0 of 1 running\n")
    assert '<a href="trust/index.html">' in text
    root_in(data(person))
    told, text = written("--output=pages/fleet.html")
    assert "note         the page on trust that it links to leaves out an authority\n" in told
    assert '<a href="trust/index.html">' in text
