"""A task on one host: this machine, or the one that -H names."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.cli.bundle import bundled, check, tell
from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.report import Report, doubted
from nbfab.errors import Denied, HostKeyError, UsageError
from nbfab.fix import Command
from nbfab.names import HostString

if TYPE_CHECKING:
    from nbfab.inventory.hosts import InventoryHost
    from nbfab.outcome import Outcome
    from nbfab.run.job import Body, Job


def on_one(call: Call, body: "Body", typed: HostString | None) -> None:
    """Runs `body` on the host `typed`, or on this machine; ends the program unless the host is as wanted."""
    from nbfab.display.terminal import Terminal
    from nbfab.host import Here, Host

    follows = "follow" in call.flags  # then standard output is for the lines
    report = Report(call.task, call.json and not follows, call.quiet)
    label = str(typed) if typed else Here.label
    seen: list[str] = []
    again = call.command(("-H", label) if typed else ())
    terminal = Terminal(label, report.one, again, seen.append, quiet=call.quiet, json=call.json)
    with report.errors():
        call.check_dry_run()
        check(call)
        if call.task == "attach" and not call.json and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError("attach shows the session on a terminal, and there is none", Command(again("status")))
        days_left, own = call.days_left, call.own
        entry = entries([typed])[0] if typed else None
        if entry and entry.unread:
            raise entry.unread
        settings = call.settings(entry)
        if typed:
            from nbfab.ssh.host import There

            typist = terminal if sys.stdin is not None and sys.stdin.isatty() else None
            there = There(label, entry.typed if entry else typed, call.ssh_options(entry), typist, early=call.early)
            host: Host = there
        else:
            there, typist, host, settings = None, None, Here(), settings.from_here()
        if call.given.get("handout"):
            raise UsageError(
                "--handout is for the passwords of several hosts; that of one is shown", "leave --handout out"
            )
        mine, claim, browser = None, None, "no_browser" not in call.flags
        if call.task == "open" and there and "direct" not in call.flags:
            from nbfab.cli.again import once_more, whose

            mine = whose(label, settings.profile, entry.typed if entry else typed, call.ssh_options(entry))
            otherwise = call.flags & {"login", "no_login", "host_names", "editor"}
            found, claim = (None, None) if otherwise else once_more(mine, browser=browser, sees=terminal.sees)
            if found:
                terminal.progress.end()
                return report.one(found)
        password = call.password(terminal.command)
        if password is None and entry and call.wants_password:
            from nbfab.fleet.handout import given_password

            password = given_password(entry, new="new" in call.flags)
        if there:
            there.begin()  # while what the task takes is imported
        terminal.progress.waits(label, "connecting" if typed else "looking")
        from nbfab.run.job import attempt

        outcome = attempt(
            call.task,
            _alone(body) if call.task == "open" and typist is None else body,
            host,
            settings,
            password=password,
            user=terminal,
            flags=call.flags,
            lists=call.lists,
            days_left=days_left,
            inventory=entry.listed if entry else "",
            own=own,
            keyring=call.keyring,
        )
        terminal.progress.end()
        if entry:
            outcome = doubted(outcome, entry)
        _remember(call, settings.profile, typed, entry, outcome)
        followed = follows and not outcome.error
        shown = terminal.attached and not call.json
        linked = terminal.opened and call.json  # whose document comes once the link is up
        bundle = bundled(call, [outcome])
        if not (followed or shown or linked):
            report.one(outcome, bundle=bundle)
        tell(call, bundle)
        if entry and seen:
            from nbfab.fleet.handout import Handout

            handout = Handout([entry], terminal, INVENTORY)
            handout.sees(host, settings, seen[-1])
            report.corrected(handout)
    if outcome.status:
        raise Exit(code=outcome.status)
    if terminal.attached or terminal.opened:
        from nbfab.cli.handed import hand_over

        hand_over(call, report, terminal, outcome, there, mine, claim, typist=typist is not None)


def _remember(
    call: Call, profile: str, typed: HostString | None, entry: "InventoryHost | None", outcome: "Outcome"
) -> None:
    """Remembers how the server is, and forgets what is gone."""
    from nbfab.cli.remembered import of_host, remember

    options = call.ssh_options(entry) if typed else None
    name, inventory = str(typed) if typed else outcome.host, ""
    if entry:
        from nbfab.fleet.memory import forget

        forget(INVENTORY, [replace(outcome, host=entry.name)])
        typed, name, inventory = entry.typed, entry.name, str(INVENTORY.resolve())
    remember([(of_host(name, profile, typed, options, inventory=inventory), outcome)])


def _alone(body: "Body") -> "Body":
    """The body of `open` without a terminal: its exit status says that a login takes a person."""

    def does(job: "Job") -> "Outcome":
        try:
            return body(job)
        except (Denied, HostKeyError) as error:
            from nbfab.tunnel.carrier import NeedsPerson

            error.status = NeedsPerson.ends_with
            raise

    return does


def entries(typed: Sequence[HostString]) -> "list[InventoryHost | None]":
    """The entries of hosts in the inventory of the current folder, None for those without. Raises UsageError."""
    if not INVENTORY.exists():
        return [None for _ in typed]
    from nbfab.inventory.load import load

    inventory = load(INVENTORY)
    return [inventory.find(str(host)) for host in typed]


def order() -> list[str]:
    """The hosts of that inventory, in its order; none if there is none. Raises UsageError."""
    if not INVENTORY.exists():
        return []
    from nbfab.inventory.load import load

    return [host.name for host in load(INVENTORY).hosts]
