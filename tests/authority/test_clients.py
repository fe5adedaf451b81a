"""Which certificates clients accept from an authority, as docs/clients.md has it: all of them agree."""

import ipaddress
import json
import subprocess
import sys
from pathlib import Path

import pytest
from certificates import Issuer, leaf, root
from cryptography import x509
from firefox import profile_of
from machine import ROOT
from system import System, environment

PAGE = ROOT / "docs/clients.md"
CLIENTS = ROOT / "tests/tls_clients.py"
ADDRESSES = ("10.3.0.1/32", "10.4.0.1/32")
NAMES = ("gpu1.lab.test", "gpu1.other.test", "gpu1.localhost")
INSIDE = "for a name inside the constraints"
BEFORE, AFTER = "the same, before the authority is trusted", "the same, after it was removed"
ACCEPTED = {
    INSIDE,
    "for an address inside",
    "for 127.0.0.1",
    "for ::1",
    "for localhost",
    "for a name below localhost",
    "for a name inside those of a second authority",
}


class Trusting:
    """Someone on a machine of their own who trusts an authority, and stops."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        self.system = System(folder / "system", NAMES)
        self.variables: dict[str, str] = {}

    def table(self, cases: dict[str, tuple[str, bytes]]) -> dict[str, dict[str, bool | str]]:
        """What each client makes of those servers, each a host and its PEM."""
        listed = []
        for number, (case, (host, pem)) in enumerate(cases.items()):
            file = self.folder / f"{number}.pem"
            file.write_bytes(pem)
            listed.append({"case": case, "host": host, "pem": str(file)})
        (self.folder / "cases.json").write_text(json.dumps(listed))
        command = self.system.alone([sys.executable, str(CLIENTS), str(self.folder)], ADDRESSES)
        done = subprocess.run(
            command, env=environment(self.home, **self.variables), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def trusting(tmp_path: Path) -> Trusting:
    return Trusting(tmp_path)


def _cases(first: Issuer, second: Issuer) -> dict[str, tuple[str, bytes]]:
    """The certificates of hosts; `first` may sign for lab.test and 10.3.0.0/16, `second` for other.test."""
    name = "gpu1.lab.test"
    own = leaf(first, [name])
    return {
        INSIDE: (name, own.pem),
        "for a name outside": ("gpu1.other.test", leaf(first, ["gpu1.other.test"]).pem),
        "for an address inside": ("10.3.0.1", leaf(first, ["localhost", "10.3.0.1"]).pem),
        "for an address outside": ("10.4.0.1", leaf(first, ["localhost", "10.4.0.1"]).pem),
        "for 127.0.0.1": ("127.0.0.1", leaf(first, ["localhost", "127.0.0.1"]).pem),
        "for ::1": ("::1", leaf(first, ["localhost", "::1"]).pem),
        "for localhost": ("localhost", leaf(first, ["localhost"]).pem),
        "for a name below localhost": ("gpu1.localhost", leaf(first, ["gpu1.localhost"]).pem),
        "for a name inside those of a second authority": ("gpu1.other.test", leaf(second, ["gpu1.other.test"]).pem),
        "for another host": (name, leaf(first, ["gpu2.lab.test"]).pem),
        "expired": (name, leaf(first, [name], start=-10, days=9).pem),
        "not valid yet": (name, leaf(first, [name], start=2).pem),
        "signed by itself": (name, leaf(None, [name]).pem),
        "signed by an authority that is not trusted": (name, leaf(root("nbfab authority"), [name]).pem),
        "signed with a host's key": (name, leaf(own, [name]).pem + own.public),
    }


def _text(table: dict[str, dict[str, bool | str]]) -> str:
    """The table as docs/clients.md has it."""
    clients = list(table[INSIDE])
    rows = [["A certificate", *clients], ["---"] * (len(clients) + 1)]
    rows += [[case, *("yes" if made[client] else "no" for client in clients)] for case, made in table.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _authority(name: str, *allowed: str) -> Issuer:
    """An authority for those names and networks, and for this machine."""
    inside: list[x509.GeneralName] = []
    for one in (*allowed, "localhost", "127.0.0.0/8", "::1/128"):
        inside.append(x509.IPAddress(ipaddress.ip_network(one)) if "/" in one else x509.DNSName(one))
    return root(name, x509.NameConstraints(inside, None))


def _trust(trusting: Trusting, *issuers: Issuer) -> dict[str, str]:
    profile = profile_of(trusting.home)
    nss = trusting.home / ".local/share/pki/nssdb"
    nss.mkdir(parents=True, exist_ok=True)
    for number, issuer in enumerate(issuers):
        file = trusting.system.anchors / f"{number}.crt"
        file.write_bytes(issuer.public)
        for database in (nss, profile):
            if not (database / "cert9.db").exists():
                subprocess.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"], check=True)
            words = ["-A", "-t", "C,,", "-n", str(number), "-i", str(file)]
            subprocess.run(["certutil", "-d", f"sql:{database}", *words], check=True)
    subprocess.run(trusting.system.within(["update-ca-certificates"]), check=True, capture_output=True)
    return {"NODE_EXTRA_CA_CERTS": str(trusting.system.store / "certs/ca-certificates.crt")}


def _distrust(trusting: Trusting, *issuers: Issuer) -> None:
    for number, _ in enumerate(issuers):
        (trusting.system.anchors / f"{number}.crt").unlink()
        for database in (profile_of(trusting.home), trusting.home / ".local/share/pki/nssdb"):
            subprocess.run(["certutil", "-d", f"sql:{database}", "-D", "-n", str(number)], check=True)
    subprocess.run(trusting.system.within(["update-ca-certificates", "--fresh"]), check=True, capture_output=True)


def test_clients_agree_as_the_page_says(trusting: Trusting) -> None:
    first = _authority("nbfab authority 1", "lab.test", "10.3.0.0/16")
    second = _authority("nbfab authority 2", "other.test")
    cases = _cases(first, second)
    inside = cases.pop(INSIDE)
    before = trusting.table({BEFORE: inside})
    trusting.variables = _trust(trusting, first, second)
    trusted, others = trusting.table({INSIDE: inside}), trusting.table(cases)
    _distrust(trusting, first, second)
    table = trusted | before | trusting.table({AFTER: inside}) | others
    for case, made in table.items():
        assert made == dict.fromkeys(made, case in ACCEPTED), case
    assert _text(table) in PAGE.read_text(), _text(table)
