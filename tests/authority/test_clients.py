"""Which certificates clients accept from an authority, as docs/which-clients.md has it: all of them agree."""

import json
import sys

from certificates import leaf, load, root
from firefox import profile_of
from machine import ROOT
from trusting import NOW, Trusting, authority, issued

from nbfab.authority.authority import Authority
from nbfab.plan import pem

PAGE = ROOT / "docs/which-clients.md"
CLIENTS = ROOT / "tests/tls_clients.py"
ADDRESSES = ("10.3.0.1/32", "10.4.0.1/32")
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


def _cases(first: Authority, second: Authority) -> dict[str, tuple[str, bytes]]:
    """The certificates of hosts; `first` may sign for lab.test and 10.3.0.0/16, `second` for other.test."""
    name, stolen = "gpu1.lab.test", load(first.folder)
    host = leaf(stolen, [name])
    return {
        INSIDE: (name, issued(first, name)),
        "for a name outside": ("gpu1.other.test", leaf(stolen, ["gpu1.other.test"]).pem),
        "for an address inside": ("10.3.0.1", issued(first, "10.3.0.1", "localhost")),
        "for an address outside": ("10.4.0.1", leaf(stolen, ["localhost", "10.4.0.1"]).pem),
        "for 127.0.0.1": ("127.0.0.1", issued(first, "127.0.0.1", "localhost")),
        "for ::1": ("::1", issued(first, "::1", "localhost")),
        "for localhost": ("localhost", issued(first, "localhost")),
        "for a name below localhost": ("gpu1.localhost", issued(first, "gpu1.localhost")),
        "for a name inside those of a second authority": ("gpu1.other.test", issued(second, "gpu1.other.test")),
        "for another host": (name, issued(first, "gpu2.lab.test")),
        "expired": (name, leaf(stolen, [name], start=-10, days=9).pem),
        "not valid yet": (name, leaf(stolen, [name], start=2).pem),
        "signed by itself": (name, pem.make((name,), 365, NOW, NOW).encode()),
        "signed by an authority that is not trusted": (name, leaf(root("nbfab authority"), [name]).pem),
        "signed with a host's key": (name, leaf(host, [name]).pem + host.public),
    }


def _made(trusting: Trusting, cases: dict[str, tuple[str, bytes]]) -> dict[str, dict[str, bool | str]]:
    """What each client makes of those servers, each a host and its PEM."""
    listed = []
    for number, (case, (host, text)) in enumerate(cases.items()):
        file = trusting.folder / f"{number}.pem"
        file.write_bytes(text)
        listed.append({"case": case, "host": host, "pem": str(file)})
    (trusting.folder / "cases.json").write_text(json.dumps(listed))
    command = [sys.executable, str(CLIENTS), str(trusting.folder)]
    return dict(json.loads(trusting.runs(trusting.system.alone(command, ADDRESSES))))


def _text(table: dict[str, dict[str, bool | str]]) -> str:
    """The table as docs/which-clients.md has it."""
    clients = list(table[INSIDE])
    rows = [["A certificate", *clients], ["---"] * (len(clients) + 1)]
    rows += [[case, *("yes" if made[client] else "no" for client in clients)] for case, made in table.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_clients_agree_as_the_page_says(trusting: Trusting) -> None:
    cases = _cases(authority("lab.test", "10.3.0.0/16"), authority("other.test"))
    inside = cases.pop(INSIDE)
    profile_of(trusting.home)
    before = _made(trusting, {BEFORE: inside})
    trusting.nbfab("trust", "--yes")
    trusted, others = _made(trusting, {INSIDE: inside}), _made(trusting, cases)
    trusting.nbfab("trust", "--remove", "--yes")
    table = trusted | before | _made(trusting, {AFTER: inside}) | others
    for case, made in table.items():
        assert made == dict.fromkeys(made, case in ACCEPTED), case
    assert _text(table) in PAGE.read_text(), _text(table)
