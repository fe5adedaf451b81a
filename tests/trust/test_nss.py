"""The databases of NSS: which are found, and what is done to them by the real certutil."""

import os
import subprocess
from pathlib import Path

import pytest
from desk import database, trusted
from roots import root_in

from nbfab.fix import Command, text
from nbfab.trust import do, nss, plan
from nbfab.trust.machine import Machine
from nbfab.trust.root import Root

CHROMIUM = {"certutil": "/usr/bin/certutil", "chromium": "/usr/bin/chromium"}
OLD, NEW = ".pki/nssdb", ".local/share/pki/nssdb"


def machine(home: Path, **env: str) -> Machine:
    return Machine(home, env, ("debian",), is_root=False, programs=CHROMIUM)


def found(home: Path, **env: str) -> dict[str, str]:
    """Whose each database is, by its path in the home folder."""
    return {os.path.relpath(place.path, home): place.what for place in nss.places(machine(home, **env), ())}


def put_in(home: Path, *roots: Root) -> dict[str, do.Done]:
    """Puts roots into the databases of a home folder; how each ended."""
    here = machine(home)
    works = [work for work in plan.adding(plan.look(here, roots), roots) if work.place.kind == "nss"]
    return {os.path.relpath(done.path, home): done for done in do.do(here, works, adds=True)}


def firefox(folder: Path, ini: str, *profiles: str) -> None:
    """Folders of profiles, and the profiles.ini that lists them."""
    for profile in profiles:
        (folder / profile).mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.ini").write_text(ini)


@pytest.mark.parametrize(
    ("there", "expected"),
    [((), (NEW,)), ((OLD,), (OLD,)), ((NEW,), (NEW,)), ((OLD, NEW), (OLD, NEW))],
    ids=["neither", "old", "new", "both"],
)
@pytest.mark.parametrize("made", [True, False], ids=["databases", "empty folders"])
def test_chromium_gets_it_where_it_reads(
    tmp_path: Path, there: tuple[str, ...], expected: tuple[str, ...], made: bool
) -> None:
    for name in there:
        (tmp_path / name).mkdir(parents=True)
        if made:
            database(tmp_path / name)
    root = root_in(tmp_path / "data")
    assert {path: done.ending for path, done in put_in(tmp_path, root).items()} == dict.fromkeys(expected, "done")
    for name in expected:
        assert trusted(tmp_path / name) == {root.name: "C,,"}
    assert sorted(found(tmp_path)) == sorted(expected)
    assert {done.ending for done in put_in(tmp_path, root).values()} == {"there"}


def test_a_database_is_made_for_a_browser_alone(tmp_path: Path) -> None:
    here = Machine(tmp_path, {}, ("debian",), is_root=False, programs={"certutil": "/usr/bin/certutil"})
    assert list(nss.places(here, ())) == []
    assert found(tmp_path, XDG_DATA_HOME=f"{tmp_path}/elsewhere") == {"elsewhere/pki/nssdb": "Chromium"}
    assert found(tmp_path, XDG_DATA_HOME="relative") == {NEW: "Chromium"}


@pytest.mark.parametrize(
    ("folder", "made", "what"),
    [
        ("snap/chromium/current", ".local/share/pki/nssdb", "Chromium (snap)"),
        ("snap/brave/current", ".local/share/pki/nssdb", "Brave (snap)"),
        (".var/app/org.chromium.Chromium", "data/pki/nssdb", "Chromium (flatpak)"),
        (".var/app/com.google.Chrome", "data/pki/nssdb", "Chrome (flatpak)"),
        (".var/app/com.brave.Browser", "data/pki/nssdb", "Brave (flatpak)"),
    ],
)
def test_browsers_in_boxes(tmp_path: Path, folder: str, made: str, what: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert found(tmp_path)[f"{folder}/{made}"] == what
    database(tmp_path / folder / OLD)
    assert [path for path in found(tmp_path) if path.startswith(folder)] == [f"{folder}/{OLD}"]
    put_in(tmp_path, root := root_in(tmp_path / "data"))
    assert trusted(tmp_path / folder / OLD) == {root.name: "C,,"}


@pytest.mark.parametrize(
    ("base", "what"),
    [
        (".mozilla/firefox", "Firefox"),
        (".config/mozilla/firefox", "Firefox"),
        ("snap/firefox/common/.mozilla/firefox", "Firefox (snap)"),
        (".var/app/org.mozilla.firefox/.mozilla/firefox", "Firefox (flatpak)"),
    ],
)
def test_each_profile_of_firefox(tmp_path: Path, base: str, what: str) -> None:
    far = tmp_path / "far away/profile"
    far.mkdir(parents=True)
    ini = f"""[Install4F96D1932A9F858E]
Default=b.default-esr
Locked=1

[Profile1]
Name=old 100%
IsRelative=1
Path=Profiles/a.default
Default=1

[Profile0]
Name=far
IsRelative=0
Path={far}

[Profile2]
Name=gone
IsRelative=1
Path=gone

[General]
StartWithLastProfile=1
"""
    firefox(tmp_path / base, ini, "Profiles/a.default", "b.default-esr")
    profiles = {path: name for path, name in found(tmp_path).items() if path != NEW}
    assert profiles == {
        f"{base}/b.default-esr": f"{what}, profile b.default-esr",
        f"{base}/Profiles/a.default": f"{what}, profile old 100%",
        "far away/profile": f"{what}, profile far",
    }
    put_in(tmp_path, root := root_in(tmp_path / "data"))
    for path in profiles:
        assert trusted(tmp_path / path) == {root.name: "C,,"}


@pytest.mark.parametrize("ini", ["", "no sections\n", "[Profile0]\nName=x\n", "[Profile0\n\0", "\udcff"])
def test_a_profiles_ini_that_makes_no_sense(tmp_path: Path, ini: str) -> None:
    folder = tmp_path / ".mozilla/firefox"
    folder.mkdir(parents=True)
    (folder / "profiles.ini").write_bytes(ini.encode(errors="surrogateescape"))
    assert found(tmp_path) == {NEW: "Chromium"}


def test_a_firefox_that_runs_is_mentioned(tmp_path: Path) -> None:
    firefox(
        tmp_path / ".mozilla/firefox", "[Profile0]\nName=one\nPath=one\n[Profile1]\nName=two\nPath=two\n", "one", "two"
    )
    (tmp_path / ".mozilla/firefox/one/lock").symlink_to(f"127.0.1.1:+{os.getpid()}")
    (tmp_path / ".mozilla/firefox/two/lock").symlink_to("127.0.1.1:+999999999")
    done = put_in(tmp_path, root_in(tmp_path / "data"))
    assert done[".mozilla/firefox/one"].why == "Firefox runs, and takes it up at its next start"
    assert done[".mozilla/firefox/two"].why == ""


def test_one_that_is_there_without_trust_gets_it(tmp_path: Path) -> None:
    root = root_in(tmp_path / "data")
    add = ["certutil", "-d", f"sql:{database(tmp_path / NEW)}", "-A", "-t", ",,", "-n", "other", "-i", str(root.file)]
    subprocess.run(add, check=True)
    assert put_in(tmp_path, root)[NEW].ending == "done"
    assert set(trusted(tmp_path / NEW).values()) == {"C,,"}


def test_a_primary_password_is_for_a_person_to_type(tmp_path: Path) -> None:
    folder = tmp_path / ".mozilla/firefox"
    firefox(folder, "[Profile0]\nName=one\nPath=one\n", "one")
    (tmp_path / "password").write_text("a primary password\n")
    make = ["certutil", "-d", f"sql:{folder}/one", "-N", "-f", str(tmp_path / "password")]
    subprocess.run(make, check=True)
    root = root_in(tmp_path / "data")
    done = put_in(tmp_path, root)[".mozilla/firefox/one"]
    assert (done.ending, done.why) == ("failed", "it has a primary password, which certutil asks for at a terminal")
    (command,) = done.fix
    assert isinstance(command, Command)
    typed = f"{command.line} -f '{tmp_path}/password'"  # what a person types at the terminal
    subprocess.run(["sh", "-c", typed], check=True)
    assert put_in(tmp_path, root)[".mozilla/firefox/one"].ending == "there"


@pytest.mark.parametrize(
    ("system", "command"),
    [
        (("debian",), "sudo apt-get install libnss3-tools"),
        (("ubuntu", "debian"), "sudo apt-get install libnss3-tools"),
        (("fedora",), "sudo dnf install nss-tools"),
        (("rocky", "rhel", "centos", "fedora"), "sudo dnf install nss-tools"),
        (("arch",), "sudo pacman -S nss"),
        (("opensuse-leap", "suse", "opensuse"), "sudo zypper install mozilla-nss-tools"),
        (("alpine",), "sudo apk add nss-tools"),
        (("nixos",), "install the package nss-tools, or what this system calls it"),
    ],
)
def test_without_certutil_the_package_is_named(tmp_path: Path, system: tuple[str, ...], command: str) -> None:
    here = Machine(tmp_path, {}, system, is_root=False, programs={"chromium": "/usr/bin/chromium"})
    (place,) = nss.places(here, ())
    assert (place.why, text(place.fix)) == ("there is no certutil, which changes it", command)
