"""How the servers that this machine remembers are now: a look at each, many at a time; nothing is changed."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

from nbfab.cli.call import Call
from nbfab.cli.reached import command
from nbfab.display.terminal import Terminal
from nbfab.fleet.known import Known
from nbfab.fleet.questions import FromThreads, Questions
from nbfab.fleet.run import over
from nbfab.host import Here, Host
from nbfab.outcome import Outcome
from nbfab.records import dataclass
from nbfab.run.job import attempt
from nbfab.run.status import status
from nbfab.settings import Settings
from nbfab.ssh.host import There
from nbfab.ssh.jumps import Jumps
from nbfab.user import NoUser


class _Looker(NoUser):
    """Sees what is begun on a host, and is asked nothing."""

    def __init__(self, server: Known, sees: Callable[[str], None]) -> None:
        self._server, self._sees = server, sees

    def sees(self, line: str) -> None:
        """As `User.sees`."""
        if line:
            self._sees(line)

    def command(self, task: str, *options: str) -> str:
        """As `User.command`."""
        return command(self._server, task, *options)


@dataclass
class _Member:
    """As `fleet.run.Member`. `tell` is what `host` shows its retries by."""

    name: str
    server: Known
    host: Host
    settings: Settings
    tell: list[Callable[[str], None]]

    def work(self, sees: Callable[[str], None], hears: Callable[[str], None]) -> Outcome:
        """As `fleet.run.Member.work`."""
        self.tell.append(sees)
        return attempt("status", status, self.host, self.settings, user=_Looker(self.server, sees))

    def cut(self) -> None:
        """As `fleet.run.Member.cut`."""
        self.host.close()


def check(call: Call, servers: Sequence[Known], jobs: int) -> tuple[Mapping[Known, Outcome], KeyboardInterrupt | None]:
    """How the look at each has ended, `jobs` at a time; and what has interrupted it, if anything.

    Someone at the terminal is asked what SSH asks, once; a host key that is not known is not recorded.
    """
    terminal = Terminal("", lambda outcome: None, call.command(), quiet=call.quiet, json=call.json)
    questions, jumps = Questions("run it again"), Jumps()
    typist = FromThreads(terminal, questions) if sys.stdin is not None and sys.stdin.isatty() else None
    twice = Counter(server.host for server in servers)
    members = [_member(call, server, typist, jumps, alone=twice[server.host] == 1) for server in servers]
    live = None
    if terminal.progress.is_live:
        from nbfab.display.live import Live

        live = Live()
        questions.aside = live.aside
    try:
        run = over(
            members,
            "status",
            jobs,
            sees=(lambda name, line: None) if live else terminal.progress,
            display=live.of if live else lambda run: nullcontext(),
            questions=questions,
            again="run it again",
        )
    finally:
        terminal.progress.end()
        jumps.close()
    ended = {member.server: run.outcomes[member.name] for member in members if member.name in run.outcomes}
    return ended, run.interrupted


def _member(call: Call, server: Known, typist: FromThreads | None, jumps: Jumps, *, alone: bool) -> _Member:
    name = server.host if alone else ", ".join(filter(None, [server.host, server.profile, server.inventory]))
    settings = Settings.gather({"profile": server.profile}, {})
    if server.is_here:
        return _Member(name, server, Here(), settings.from_here(), [])
    reach, tell = server.reach, list[Callable[[str], None]]()

    def sees(line: str) -> None:
        for each in tell:
            each(line)

    there = There(server.host, reach.host, reach.given(call.ssh_options()), typist, jumps=jumps, sees=sees)
    return _Member(name, server, there, settings, tell)
