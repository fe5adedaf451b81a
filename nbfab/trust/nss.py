"""The databases of NSS: where Chromium and Firefox keep what they trust, and how `certutil` changes them.

https://chromium.googlesource.com/chromium/src/+/main/docs/linux/cert_management.md
"""

from collections.abc import Iterable, Iterator
from configparser import ConfigParser, Error
from dataclasses import replace
from pathlib import Path

from nbfab.trust.machine import CHROMIUMS, Machine, installing, run
from nbfab.trust.place import Action, Place, Run
from nbfab.trust.root import Root, fingerprints

_FLATPAKS = {
    "org.chromium.Chromium": "Chromium",
    "io.github.ungoogled_software.ungoogled_chromium": "Chromium",
    "com.google.Chrome": "Chrome",
    "com.brave.Browser": "Brave",
    "com.microsoft.Edge": "Edge",
    "com.vivaldi.Vivaldi": "Vivaldi",
}
_SNAPS = {"chromium": "Chromium", "brave": "Brave"}
_PACKAGES = {
    "debian": "libnss3-tools",
    "ubuntu": "libnss3-tools",
    "arch": "nss",
    "suse": "mozilla-nss-tools",
    "opensuse": "mozilla-nss-tools",
    "Darwin": "nss",
}


def places(machine: Machine, known: Iterable[Root]) -> Iterator[Place]:
    """Each database, with the roots in it; `known` are those to look for."""
    names = frozenset(root.name for root in known)
    package = installing(machine, _PACKAGES, "nss-tools")
    for what, path, note in _databases(machine):
        exists = (path / "cert9.db").exists()
        if "certutil" not in machine.programs:
            why = "there is no certutil, which changes it"
            yield Place("nss", what, path, exists=exists, why=why, fix=package)
            continue
        found = Place("nss", what, path, exists=exists, note=note)
        yield _read(machine, found, names) if exists else found


def adding(place: Place, roots: Iterable[Root]) -> Iterator[Action]:
    """What puts the roots in, trusted for servers alone."""
    database = f"sql:{place.path}"
    if not place.exists:
        yield Run(("mkdir", "-p", "-m", "700", str(place.path)))
        yield Run(("certutil", "-d", database, "-N", "--empty-password"))
    for root in roots:
        yield Run(("certutil", "-d", database, "-A", "-t", "C,,", "-n", root.name, "-i", str(root.file)))


def removing(place: Place, roots: Iterable[Root]) -> Iterator[Action]:
    """What takes the roots out, by the names that the database has for them."""
    for root in roots:
        yield Run(("certutil", "-d", f"sql:{place.path}", "-D", "-n", place.held[root.fingerprint]))


def _databases(machine: Machine) -> Iterator[tuple[str, Path, str]]:
    """Whose each database is, its folder, and what to know once it has changed."""
    home = machine.home
    if machine.system != ("Darwin",):  # where Chromium goes by the keychain
        wanted = any(name in machine.programs for name in CHROMIUMS)
        new = machine.folder("XDG_DATA_HOME", ".local/share") / "pki/nssdb"
        yield from _chromium("Chromium", home / ".pki/nssdb", new, make=wanted)
        for snap, what in _SNAPS.items():
            base = home / "snap" / snap / "current"
            yield from _chromium(
                f"{what} (snap)", base / ".pki/nssdb", base / ".local/share/pki/nssdb", make=base.is_dir()
            )
        for app, what in _FLATPAKS.items():
            base = home / ".var/app" / app
            yield from _chromium(f"{what} (flatpak)", base / ".pki/nssdb", base / "data/pki/nssdb", make=base.is_dir())
    for what, base in _firefoxes(machine):
        for name, folder in _profiles(base):
            note = "Firefox runs, and takes it up at its next start" if _is_open(folder) else ""
            yield f"{what}, profile {name}", folder, note


def _chromium(what: str, old: Path, new: Path, *, make: bool) -> Iterator[tuple[str, Path, str]]:
    """Chromium reads the old folder if there is one, empty or not, and older ones read no other.

    If there is neither, the new one is made for it.
    """
    found = [path for path in (old, new) if path.is_dir()]
    yield from ((what, path, "") for path in found or ([new] if make else []))


def _firefoxes(machine: Machine) -> Iterator[tuple[str, Path]]:
    """The folders that have a profiles.ini. Newer ones of Firefox are in the user's folder for configuration."""
    home = machine.home
    if machine.system == ("Darwin",):
        yield "Firefox", home / "Library/Application Support/Firefox"
        return
    yield "Firefox", home / ".mozilla/firefox"
    yield "Firefox", machine.folder("XDG_CONFIG_HOME", ".config") / "mozilla/firefox"
    for base in (home / "snap/firefox/common", home / "snap/firefox/current"):
        yield "Firefox (snap)", base / ".mozilla/firefox"
        yield "Firefox (snap)", base / ".config/mozilla/firefox"
    base = home / ".var/app/org.mozilla.firefox"
    yield "Firefox (flatpak)", base / ".mozilla/firefox"
    yield "Firefox (flatpak)", base / "config/mozilla/firefox"


def _profiles(base: Path) -> Iterator[tuple[str, Path]]:
    """The profiles that profiles.ini lists and that are there; also those that it only has as an installation's."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string((base / "profiles.ini").read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, Error):
        return
    seen = set()
    for section in parser.sections():
        entry = parser[section]
        given = entry.get("Path") if section.startswith("Profile") else entry.get("Default")
        if not given or not section.startswith(("Profile", "Install")):
            continue
        folder = base / given  # which an absolute path replaces
        if folder.is_dir() and folder.resolve() not in seen:
            seen.add(folder.resolve())
            yield entry.get("Name") or folder.name, folder


def _is_open(profile: Path) -> bool:
    """Whether a Firefox runs with a profile: its lock is a link to ADDRESS:+PID."""
    try:
        pid = (profile / "lock").readlink().name.rpartition("+")[2]
    except OSError:
        return False
    return pid.isascii() and pid.isdigit() and Path("/proc", pid).exists()


def _read(machine: Machine, place: Place, names: frozenset[str]) -> Place:
    """The place, with the roots that its database has, or why it could not be read."""
    database, certutil = f"sql:{place.path}", machine.programs["certutil"]
    listed = run((certutil, "-d", database, "-L"))
    if listed.why:
        return replace(place, why=f"it could not be read: {listed.why}")
    held: dict[str, str] = {}
    distrusted: set[str] = set()
    for text in listed.output.splitlines():
        name, _, flags = text.rstrip().rpartition(" ")
        name, trusted = name.strip(), "C" in flags.partition(",")[0]
        if flags.count(",") == 2 and (name in names or trusted):
            found = fingerprints(run((certutil, "-d", database, "-L", "-n", name, "-a")).output)
            held |= dict.fromkeys(found, name)
            distrusted |= set() if trusted else found
    return replace(place, held=held, distrusted=frozenset(distrusted))
