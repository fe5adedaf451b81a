"""The step `cluster`: what makes a host a member of a Dask cluster. Only `cluster.up` has something to do in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.cluster.member import CA, CHOSEN, CONFIG, FOLDER, NODE, ROLES, Member, Role
from nbfab.errors import Refused
from nbfab.fix import again
from nbfab.plan import packages, profile
from nbfab.plan.change import Change
from nbfab.plan.files import PRIVATE, Managed, in_file, write
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted


def script_file(role: Role) -> str:
    """What tmux runs for a member."""
    return f"{FOLDER}/{role}.sh"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The certificate, the configuration that `Client()` reads, and the members, of which the scheduler comes first.

    Raises Refused if one that runs would have to be restarted, unless that is allowed: it may be computing.
    """
    from nbfab.cluster import authority

    member = wanted.cluster
    if member is None:
        return
    have = facts.files.entry(NODE)
    known = have.text if have and have.mode == PRIVATE else ""
    keeps = authority.has_signed(member.authority, known, wanted.now)
    certificate = known if keeps else member.certificate
    starts = _together(_members(wanted, facts, member, certificate))
    yield from in_file("cluster", "the certificate of the cluster's authority", CA, member.authority, facts)
    if not keeps:
        what = f"{'rewrite' if have else 'write'} its certificate and key for the cluster"
        yield write("cluster", what, NODE, member.certificate + member.key)
    config = member.config(facts.files.folder)
    yield from in_file("cluster", "the configuration that Client() reads", CONFIG, config, facts)
    yield from in_file("cluster", "what was chosen for the cluster", CHOSEN, member.chosen.text(), facts)
    yield from starts
    yield from (replace(change, step="cluster") for change in profile.kernel(wanted, facts))


def _members(wanted: Wanted, facts: Facts, member: Member, certificate: str) -> Iterator[Change]:
    """What runs after this, and no longer runs."""
    for role in ROLES:
        runs = facts.cluster.running(role)
        if role not in member.roles:
            if runs:
                _check(wanted, role, "would end")
            if runs or facts.files.entry(script_file(role)):
                yield end(role, drop=True)
            continue
        mark, text = _script(wanted, facts, member, role, certificate)
        yield from in_file("cluster", f"the program that tmux runs for its {role}", script_file(role), text, facts)
        if runs and runs.mark == mark:
            continue
        if runs:
            _check(wanted, role, "has to be restarted", anew=facts.files.text(CA) not in ("", member.authority))
        size, first = member.chosen.size, member.ports
        span = first.workers(size.workers)
        more = f"s {span[0]} to {span[1]}" if size.workers > 1 else f" {span[0]}"
        where = {"scheduler": f"at port {first.scheduler}", "worker": f"for {member.chosen.scheduler}, at port{more}"}
        does = "restart" if runs else "start"
        yield Change(
            step="cluster",
            kind="start member",
            what=f"{does} its {role}",
            detail=where[role],
            args={"role": role, "awaited": ""},
        )


def _together(changes: Iterable[Change]) -> list[Change]:
    """The changes, of which the last start of a member waits for all of them: they need not start one by one."""
    made = list(changes)
    roles = [change.args["role"] for change in made if change.kind == "start member"]
    return [
        replace(change, args={**change.args, "awaited": " ".join(roles)})
        if change.kind == "start member" and change.args["role"] == roles[-1]
        else change
        for change in made
    ]


def _check(wanted: Wanted, role: Role, what: str, *, anew: bool = False) -> None:
    if not wanted.restart:
        why = (
            "for a new authority, since this machine does not have the one that it was started with"
            if anew
            else "for this"
        )
        raise Refused(
            f"its {role} runs, and {what} {why}; it was left alone, because it may be computing",
            *("once that may end", again("--restart")),
        )


def _script(wanted: Wanted, facts: Facts, member: Member, role: Role, certificate: str) -> tuple[str, str]:
    """The program for a role, and the mark of all that a restart would take up."""
    from nbfab.program import call, functions, source

    def text(mark: str) -> str:
        return functions("look/process", "plan/cluster") + call(
            "run_member",
            *member.words(role),
            role=role,
            python=packages.python(wanted, facts),
            mark=mark,
            waits_for=member.chosen.at if role == "worker" else "",
            starter=source("plan/starter_probe.py"),
            log_reader=source("plan/log_reader.py"),
        )

    config = replace(member, dashboard="").config(facts.files.folder)  # where its link leads is for clients
    whole = "\0".join((text(""), certificate, member.authority, config))
    mark = hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return mark, text(mark)


def end(role: Role, *, drop: bool = False) -> Change:
    """The change that ends a member, with what it computes; `drop` it if the host is to have none."""
    words = (role, "drop") if drop else (role,)
    return Change(step="cluster", kind="end member", what=f"end its {role}", words=words, args={})


def ends(facts: Facts) -> Iterator[Change]:
    """Those that end what runs, the workers before the scheduler, and keep down what does not."""
    for role in reversed(ROLES):
        stays_down = role in facts.cluster.down or not facts.files.entry(script_file(role))
        if facts.cluster.running(role) or not stays_down:
            yield end(role)


def _files(settings: Settings) -> tuple[Managed, ...]:
    certificates = (Managed(CA, "certificate"), Managed(NODE, "certificate"))
    return (*certificates, *map(Managed, (CONFIG, CHOSEN, *map(script_file, ROLES))))


STEP = Step("cluster", "Make the host a member of a Dask cluster.", plan, files=_files, alone=False)
