"""A task on many hosts, whether -H or an inventory names them: one set of rules for passwords, JSON and exit status."""

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from nbfab.cli.again import whose
from nbfab.cli.call import Call
from nbfab.cli.called import typed
from nbfab.cli.remembered import of_host, remember
from nbfab.cli.report import doubted
from nbfab.display.output import complain
from nbfab.display.terminal import Terminal
from nbfab.errors import Interrupted, UsageError
from nbfab.fix import Task
from nbfab.fleet.handout import Handout, given_password
from nbfab.fleet.meeting import Gathering, Meeting
from nbfab.fleet.member import Member
from nbfab.fleet.places import Places, silent
from nbfab.fleet.questions import AGAIN, FromThreads, Questions
from nbfab.fleet.run import GRACE, Run, over
from nbfab.fleet.twins import Entry, Twin, twins
from nbfab.inventory.hosts import InventoryHost
from nbfab.outcome import Outcome, failure
from nbfab.passwords import Password
from nbfab.run.job import Body, Job
from nbfab.run.requirements import Files
from nbfab.settings import Settings
from nbfab.ssh.host import There
from nbfab.ssh.jumps import Jumps
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route
from nbfab.ssh.routes import Routes
from nbfab.tunnel.spec import Spec

USUAL = "nbfab.run.converge"  # which most bodies import, with what looks
Display = Callable[[Run], AbstractContextManager[object]]


class Many:
    """The hosts of one call, each checked before any is contacted, with the routes to them. Raises UsageError.

    `command` gives, for a host, the command line of a task for it alone, `whole` that for all of them, and `without`
    how to leave one out. The handout is sorted by `order`. With `types`, SSH may ask about each host.
    `again` is the fix for a host that Control-C has kept from its end.
    `outcomes` are those that are known already: of hosts that must not be contacted.
    """

    def __init__(
        self,
        call: Call,
        hosts: Sequence[InventoryHost],
        routes: Routes,
        command: Callable[[InventoryHost], Callable[..., str]],
        *,
        inventory: Path,
        whole: Callable[..., str],
        order: Sequence[str],
        without: Callable[[InventoryHost], str | Task],
        types: bool = False,
        again: str = AGAIN,
    ) -> None:
        self.outcomes = {host.name: _refused(call.task, host, host.unread) for host in hosts if host.unread}
        self._call, self._own = call, call.own
        self._hosts, self._inventory = hosts, inventory
        self._command = command
        self._types = types and sys.stdin is not None and sys.stdin.isatty()
        self._again, self._order = again, order
        self._questions = Questions(again)
        self._terminal = Terminal("", lambda outcome: None, call.command(), quiet=call.quiet, json=call.json)
        self.progress = self._terminal.progress
        self._console = FromThreads(self._terminal, self._questions)
        self._keyring, self._files = call.keyring, Files()
        to = Path(os.path.abspath(call.given["handout"])) if call.given.get("handout") else None
        self.handout = Handout(hosts, self._console, inventory, to=to, order=order)
        self._jumps = Jumps()
        self._places = Places()
        everyone, new = call.password(whole), "new" in call.flags
        if everyone and call.task != "plan":
            _ = everyone.hash  # made once, before the threads
        contacted = [host for host in hosts if not host.unread]
        self._prepared = [
            (
                host,
                call.settings(host),
                everyone or (given_password(host, new=new) if call.wants_password else None),
                call.ssh_options(host),
            )
            for host in contacted
        ]
        made = (
            host for host, _, password, _ in self._prepared if password is None and (new or not host.types_password)
        )
        if call.wants_password and call.task != "plan" and any(made) and (exposed := self.handout.check()):
            complain(exposed)
        self._members: dict[str, Member] = {}
        self._routes = routes.all()
        found = self._twins()
        for host in contacted:
            if twin := found.get(host.name):
                error = f"it is the same server as {twin.first}: {twin.what}"
                fix = (without(host), "or give it a profile: of its own")
                self.outcomes[host.name] = _refused(call.task, host, UsageError(error, *fix))

    def run(
        self,
        task: str,
        body: Body | Gathering,
        jobs: int,
        *,
        fail_fast: bool = False,
        records: Callable[[Outcome], None] = lambda outcome: None,
        ended: Callable[[Outcome], None] | None = None,
        stopping: threading.Event | None = None,
        grace: float = GRACE,
    ) -> Run:
        """Runs `body` on every host that has no outcome yet, `jobs` at a time; its imports run in the background.

        Those of a `Gathering` are all at work at the same time. `records`, `stopping` and `grace` are as in
        `fleet.run.over`. With `ended`, that gets each outcome as it arrives; otherwise a live display shows the run on
        a terminal.
        """
        takes = USUAL
        if isinstance(body, Gathering):
            takes, jobs, stopping = body.takes, max(1, len(self._prepared)), stopping or threading.Event()
            meeting = Meeting[Any](self._contacted, stopping)
            body, records = body.makes(meeting, self._order), _leaving(meeting, records)
        if ended is None:  # or reports would come in another order than hosts
            self._places = Places(silent(jobs))
        members = [
            self._member(task, _connected(body), *prepared)
            for prepared in self._prepared
            if prepared[0].name not in self.outcomes
        ]
        threading.Thread(target=import_module, args=(takes,), daemon=True).start()
        sees, display = self._shown(bool(members), lines=ended is not None)
        try:
            run = over(
                members,
                task,
                jobs,
                fail_fast=fail_fast,
                records=records,
                sees=sees,
                hears=self.progress.hears,
                ended=ended or (lambda outcome: self.progress.leaves(outcome.host)),
                display=display,
                questions=self._questions,
                places=self._places,
                again=self._again,
                stopping=stopping,
                grace=grace,
            )
            self._remember(run.outcomes)
            return run
        finally:
            self.progress.end()
            self.handout.close()

    def _contacted(self) -> set[str]:
        """The hosts that have no outcome from before the run."""
        return {prepared[0].name for prepared in self._prepared} - self.outcomes.keys()

    def _remember(self, outcomes: Mapping[str, Outcome]) -> None:
        """Remembers how the servers are, for `list`."""
        listed = str(self._inventory.resolve())
        remember(
            (of_host(host.name, settings.profile, host.typed, options, inventory=listed if host.listed else ""), ended)
            for host, settings, _, options in self._prepared
            if (ended := outcomes.get(host.name))
        )

    def _shown(self, begins: bool, *, lines: bool) -> tuple[Callable[[str, str], None], Display]:
        """How a run is shown: a line for each step, or on a terminal, unless it has to be `lines`, a live display."""
        if lines or not self.progress.is_live:
            self._questions.aside = lambda question: question()
            return self.progress, lambda run: nullcontext()
        from nbfab.display.live import Live  # and rich with it, which takes a while

        live = Live()
        self._questions.aside = live.aside
        return lambda host, line: None, lambda run: live.of(run) if begins else nullcontext()

    def _twins(self) -> Mapping[str, Twin]:
        """The hosts whose server is that of a host before them."""
        routes = [(each, self._routes[each[0].typed, each[3].config, each[3].options]) for each in self._prepared]
        return twins(
            Entry(host.name, route, options.jumps, settings.profile)
            for (host, settings, _, options), route in routes
            if isinstance(route, Route)
        )

    def _member(
        self,
        task: str,
        body: Body,
        entry: InventoryHost,
        settings: Settings,
        password: Password | None,
        options: SshOptions,
    ) -> Member:
        def sees(line: str) -> None:
            member.sees(line)

        typist = self._console if self._types else None
        route = self._routes[entry.typed, options.config, options.options]
        member = Member(
            There(
                entry.name,
                entry.typed,
                options,
                typist,
                jumps=self._jumps,
                sees=sees,
                route=route,
                silence=self._places.lent,
            ),
            settings,
            password,
            task,
            body,
            self._call.flags,
            self._call.lists,
            self._call.days_left,
            entry.listed,
            self.handout,
            self._console,
            self._command(entry),
            asks="yes" not in self._call.flags,
            own=self._own,
            keyring=self._keyring,
            files=self._files,
        )
        self._members[entry.name] = member
        return member

    def profile(self, name: str) -> str:
        """The profile that is meant on a host; empty if nothing is known of the host."""
        return next((settings.profile for host, settings, *_ in self._prepared if host.name == name), "")

    def opened(self, name: str) -> Spec | None:
        """What a host's page can be opened with; None if it was not found out. Raises ConnectError."""
        member = self._members.get(name)
        if member is None or member.opened is None:
            return None
        spec, there = member.opened, member.host
        assert isinstance(there, There)
        ((entry, options),) = ((entry, options) for entry, _, _, options in self._prepared if entry.name == name)
        way = whose(name, spec.profile, entry.typed, options).way
        command = self._command(entry)
        return replace(
            spec,
            command=tuple(there.by_itself()),
            asking=tuple(there.asking()),
            typed=there.typed,
            keeps=there.marks,
            commands={task: command(task) for task in ("open", "start")},
            way=way,
            published=there.published,
        )

    @property
    def names(self) -> list[str]:
        """All hosts, also those that must not be contacted."""
        return [host.name for host in self._hosts]

    @property
    def has_members(self) -> bool:
        """Whether any host is to be contacted."""
        return bool(self._prepared)

    def confirms(self, question: str) -> bool:
        """Whether the answer is yes; for the main thread. Raises KeyboardInterrupt."""
        return self._terminal.confirms(question)

    def all_outcomes(self, run: Run) -> list[Outcome]:
        """The outcomes of all hosts, in their order."""
        ended = {outcome.host: outcome for outcome in run.in_order()} | self.outcomes
        return [doubted(ended[host.name], host) for host in self._hosts]

    def close(self) -> None:
        """Closes the connections to jump hosts."""
        self._jumps.close()


def _connected(body: Body) -> Body:
    """The body, run once its host is connected to: otherwise its imports would come first."""

    def does(job: Job) -> Outcome:
        assert isinstance(job.host, There)
        job.host.connect()
        return body(job)

    return does


def _leaving(meeting: Meeting[Any], records: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
    """What records an outcome, once others no longer wait for the host."""

    def record(outcome: Outcome) -> None:
        meeting.leave(outcome.host)
        records(outcome)

    return record


def exit_status(outcomes: Sequence[Outcome], run: Run) -> int:
    """0 only if every host is as wanted; a failure counts more than what is DUE.

    After Control-C 130, after a signal that counts as it 128 and its number.
    """
    if run.interrupted:
        return Interrupted("", by=run.interrupted).status
    if any(outcome.failed for outcome in outcomes):
        return 1
    return max((outcome.status for outcome in outcomes), default=0)


def _refused(task: str, host: InventoryHost, error: UsageError) -> Outcome:
    outcome = replace(failure(task, host.name, error), verdict="refused")
    return outcome.settled(lambda part: typed(part, f"fleet.{task}"))
