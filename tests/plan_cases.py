"""Hosts to plan for: a new one, one where all is as wanted, and others that differ from them in single facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nbfab.keys import Key
from nbfab.look.choices import ChoiceFacts, parse
from nbfab.look.environments import Environment, EnvironmentFacts
from nbfab.look.envs import Installed, Record
from nbfab.look.facts import Facts
from nbfab.look.files import Entry, FileFacts
from nbfab.look.host import HostFacts
from nbfab.look.left import Entry as Left
from nbfab.look.port import PortFacts
from nbfab.look.server import Answer, ServerFacts, Started
from nbfab.passwords import Password
from nbfab.plan import bundle, certificate, choices, clients, module, pem, server
from nbfab.plan.bundle import Role
from nbfab.plan.change import Change
from nbfab.plan.steps import STEPS, plan
from nbfab.settings import Settings, package_name
from nbfab.wanted import Wanted

NOW = 1_800_000_000.0
DAY = 86400
PASSWORD = "correct horse battery"
MODERN = Environment("login", "/env/bin/python", {"notebook": "7.2", "jupyter_server": "2.14", "ipykernel": "6.29"})
CLASSIC = Environment(
    "login", "/usr/bin/python3", {"notebook": "6.4.12", "ipykernel": "6.17", "jupyter_server": "1.23"}
)
LAB = Environment("asked", "/lab/bin/python", {"jupyterlab": "4.2", "jupyter_server": "2.14", "ipykernel": "6.29"})
NEW = Facts(
    host=HostFacts(uid="1000", clock=int(NOW), tmux=True, system="Linux debian", names=("box", "192.0.2.7")),
    choices=ChoiceFacts(port="9999", directory="", python="", app="notebook"),
    files=FileFacts(
        directory="/home/ann",
        directory_state="ok",
        folder="/home/ann/.local/share/nbfab/nbserver",
        state="absent",
        nearest="/home",
        writable=True,
    ),
    environments=EnvironmentFacts(found=(MODERN,)),
    server=ServerFacts(),
    port=PortFacts(),
)
WANTED = Wanted(Settings(), ("box.example.org",), NOW, Password(PASSWORD))
KEEP = replace(WANTED, password=None)
OWN_PORT = {"pid": 11, "program": "python", "user": "ann"}  # of the server that `running` has


def wanting(**settings: Any) -> Wanted:
    """What is wanted, with other settings."""
    return replace(WANTED, settings=Settings.parse(settings))


def seen(facts: Facts = NEW, **groups: Mapping[str, Any]) -> Facts:
    """A host with other facts, by their groups: `seen(host={"tmux": False})`."""
    changed = {name: replace(getattr(facts, name), **values) for name, values in groups.items()}
    return replace(facts, **changed)


def holding(facts: Facts, *entries: Entry) -> Facts:
    """A host that has those files too, in place of those that it had at their paths."""
    paths = {entry.path for entry in entries}
    kept = [entry for entry in facts.files.entries if entry.path not in paths]
    return seen(facts, files={"state": "folder", "entries": (*kept, *entries)})


def file(path: str, text: str = "", mode: str = "-rw-------", owner: str = "1000") -> Entry:
    """A file as nbfab writes it."""
    return Entry(path, mode, owner, text)


def folder(path: str, mode: str = "drwx------", owner: str = "1000") -> Entry:
    """A folder as nbfab makes it."""
    return Entry(path, mode, owner)


def listed(*paths: str) -> tuple[Left, ...]:
    """What there is to remove at those paths: a folder if one ends in a slash, a link if in `@`."""
    kinds = {"/": "d", "@": "l"}
    return tuple(Left(kinds.get(path[-1], "f"), path.rstrip("/@")) for path in paths)


def shown(pem: str) -> str:
    """What look shows of a PEM: the certificate."""
    return "-----BEGIN CERT" + pem.split("-----BEGIN CERT")[1]


def certified(facts: Facts = NEW, wanted: Wanted = WANTED, *, mode: str = "-rw-------", **changes: Any) -> Facts:
    """A host that has the certificate that is wanted, made with those `changes`."""
    made: dict[str, Any] = {
        "names": certificate.names(wanted, facts),
        "days": wanted.settings.days,
        "now": NOW,
        "clock": NOW,
    }
    text = pem.make(**(made | changes))
    public = x509.load_pem_x509_certificate(text.encode()).public_key()
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return seen(holding(facts, file(certificate.FILE, shown(text), mode)), files={"key": key})


def entry(name: str, role: Role = "client", by: str = "ann@laptop", days: int = 365) -> str:
    """An entry of a client, as a host has it."""
    return bundle.shown(bundle.make(name, role, by, days, NOW, Key.new()))


def after(facts: Facts, changes: Iterable[Change]) -> Facts:
    """A host once the files of those changes are written, and its environment is recorded."""
    facts = seen(facts, environments={"remembered": True})
    for change in changes:
        args = change.args
        if change.kind == "write":
            with_key = args["file"] in (certificate.FILE, clients.PROBE)
            text = shown(args["content"]) if with_key else args["content"]
            facts = holding(facts, file(args["file"], text, owner=facts.host.uid))
            if args["file"] == choices.FILE:
                facts = seen(facts, choices={"made": parse(text)})
        elif change.kind == "write kernel":
            texts = [file(path, text, owner=facts.host.uid) for path, _, text in batched(change.words)]
            facts = holding(facts, *texts)
        elif change.kind == "drop kernel":
            left = tuple(entry for entry in facts.files.entries if entry.path != change.args["file"])
            facts = seen(facts, files={"entries": left})
        elif change.kind == "write module":
            facts = holding(facts, folder(module.NAME, owner=facts.host.uid))
            written = {path: module.checksum(text) for path, _, text in batched(change.words)}
            facts = seen(facts, files={"sums": tuple({**dict(facts.files.sums), **written}.items())})
        elif change.kind == "change clients":
            kept = bundle.read(facts.files.text(args["file"]))
            stays = [client.certificate for client in kept if client.body not in args["drops"].split()]
            text = "".join(one.public_bytes(Encoding.PEM).decode() for one in stays) + args["adds"]
            facts = holding(facts, file(args["file"], text, owner=facts.host.uid))
        elif change.kind == "build environment":
            names = {package_name(line) for line in args["lines"].splitlines()} - {"", "ipykernel", "pip"}
            built = {**dict.fromkeys(names, "2.2"), "ipykernel": "6.29"}
            found = Record(args["name"], args["digest"], tuple(args["carried"].split()), built)
            installed = Installed(args["name"], built, frozenset(built))
            facts = seen(
                facts,
                envs={"found": (*facts.envs.found, found), "installed": (*facts.envs.installed, installed)},
            )
        elif change.kind == "remove environment":
            facts = seen(facts, envs={"found": tuple(of for of in facts.envs.found if of.name != args["env"])})
        elif change.kind == "make private":
            facts = holding(facts, folder(args["file"], owner=facts.host.uid))
    return facts


def batched(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The words of a change that writes several files, three for each."""
    return zip(words[::3], words[1::3], words[2::3], strict=True)


def running(wanted: Wanted = WANTED, facts: Facts = NEW) -> Facts:
    """A host where all is as wanted, and the server runs."""
    facts = after(facts, plan(wanted, facts, STEPS))
    _, digest = server.launcher(wanted, facts)
    started = Started("10", "11", "12345", digest, int(NOW))
    answer = Answer(True, "", wanted.settings.port)
    return seen(
        facts, server={"session_pids": ("10",), "started": started, "alive": True, "answer": answer}, port=OWN_PORT
    )
