"""The bundle: what a report of a bug needs to know of a host, and nothing that is secret.

It is made of what is listed here, and of nothing else; free text, such as the host's own messages, is scrubbed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab import __version__
from nbfab.doctor.layers import examine
from nbfab.doctor.names import Names, anonymous
from nbfab.doctor.scrub import scrub
from nbfab.look.limits import UNLIMITED
from nbfab.plan import bundle, certificate, clients, kinds, pem

if TYPE_CHECKING:
    from nbfab.doctor.near import Near
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

HEAD = """\
What `nbfab doctor --bundle` has seen, for a report of a bug. Read it before you attach it.
In it: versions, what was found in each layer, the state of the server, the end of its log if it does not answer, kinds
and sizes of file systems and limits. Not in it: passwords, hashes, tokens, keys, values of environment variables.
"""
ANONYMOUS = "Names of hosts and users, addresses and home folders are replaced.\n"
NAMED = "Names of hosts and users are in it, as --bundle-names asks.\n"
# Options whose values are shown.
_SAFE = ("port", "ip", "app", "days", "keep_output", "client_certificates", "self_signed")


def text(names: Iterable[str], wanted: Wanted, near: Near, facts: Facts | None, *, named: bool) -> str:
    """What is known of a host, which people call those `names`; they are in it only if it may be `named`."""
    # What a startup file prints is the user's own, and what is set here may be a value of the environment.
    plain = replace(near, noise=("(not shown)",) * len(near.noise))
    found = examine(replace(wanted, given=None), plain, facts)
    lines = [f"{finding.layer}: {finding.state}: {finding.words}" for finding in found]
    if facts:
        lines += ["", *_facts(wanted, facts)]
    whole = scrub("\n".join(lines))
    if named:
        return f"host: {next(iter(names), '')}\n{whole}\n"
    return f"host: HOST\n{anonymous(whole, _names(names, wanted, near, facts))}\n"


def _names(names: Iterable[str], wanted: Wanted, near: Near, facts: Facts | None) -> Names:
    """What hosts, users, addresses and places are called there and here."""
    own = [*names, near.hostname, near.name, *(facts.host.names if facts else ())]
    hosts = [*own, *(short for short in (name.partition(".")[0] for name in own) if not short.isdigit())]
    users, addresses = [near.user], [*near.addresses]
    users += [authority.name.partition(" of ")[2].partition(",")[0] for authority in wanted.authorities]
    for client in bundle.read(wanted.client):
        user, _, host = client.name.partition("@")
        users.append(user)
        hosts.append(host)
    places: list[tuple[str, str]] = []
    if facts:
        hosts += (*wanted.settings.names, *facts.choices.made.names, *certificate.names_there(facts))
        devices = (*(quota.device for quota in facts.home.quota), facts.home.mount.device if facts.home.mount else "")
        hosts += [device.partition(":")[0] for device in devices if ":" in device]
        addresses += facts.host.addresses
        users += [facts.host.user, facts.port.user, facts.limits.killed]
        for client in clients.there(facts):
            users += [client.name, client.by, *client.name.split("@"), *client.by.split("@")]
        have = pem.load(facts.files.text(certificate.FILE))
        users += [pem.issuer(have)] if have and not pem.is_self_signed(have) else []
        kernels = facts.server.answer.kernels if facts.server.answer else ()
        places += [(kernel.notebook, "NOTEBOOK") for kernel in kernels]
        pythons = (facts.interpreter.path, *(environment.python for environment in facts.environments.found))
        places += [(facts.files.folder, "PROFILE"), *((path, "PYTHON") for path in pythons)]
        places += [(other.folder, "FOLDER") for other in facts.others.servers or ()]
        places += [(facts.home.folder, "HOME"), (facts.files.directory, "DIRECTORY")]
    return Names(tuple(hosts), tuple(users), tuple(addresses), tuple(places))


def _facts(wanted: Wanted, facts: Facts) -> Iterator[str]:
    server, home, probe = facts.server, facts.home, facts.interpreter.probe
    yield f"nbfab: {__version__} here; profile by {facts.choices.made.version or 'none'}"
    yield from filter(None, (facts.host.system and f"system: {facts.host.system}", facts.stale.tmux))
    for name, version in probe.versions.items():
        yield f"version: {name} {version}"
    for environment in facts.environments.found:
        has = " ".join(f"{name}={version}" for name, version in environment.packages.items())
        yield f"environment: {environment.source}: {has}"
    for key in _SAFE:
        source = wanted.settings.sources.get(key, "default").partition("#")[0]
        if source != "environment":
            yield f"setting: {key} = {getattr(wanted.settings, key)} ({source})"
    if home.mount:
        yield f"home: {home.mount.type}, {','.join(home.mount.options)}"
    yield f"home: {home.space.free} of {home.space.size} KB free, {home.inodes.free} of {home.inodes.size} inodes"
    for name, limit in facts.limits.resources.by_name.items():
        soft, hard = ("unlimited" if each >= UNLIMITED else each for each in limit)
        yield f"limit: {name} {soft} {hard}"
    for entry in facts.files.entries:
        yield f"file: {entry.mode} {entry.path}"
    yield f"server: alive {server.alive}, ready {server.ready}, in tmux {server.in_session}"
    holder = "the server" if server.ready else facts.port.program or "no one"
    yield f"port: {holder}, at {' '.join(facts.listening.addresses) or 'no address'}"
    have = pem.load(facts.files.text(certificate.FILE))
    if have:
        whose, days = kinds.kind(have, wanted.authorities), pem.days_left(have, wanted.now)
        yield f"certificate: {whose}, {days} days left, {len(pem.names_in(have))} names"
    yield from (f"log: {line}" for line in server.log.splitlines())
