"""Lend: a host that reaches no index of packages goes by ours, through the SSH connection, while it installs."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from nbfab.apply.apply import Declined
from nbfab.errors import CannotLend, HostError, Undecided
from nbfab.fix import again
from nbfab.host import run
from nbfab.look.listening import parse
from nbfab.look.look import SILENCE
from nbfab.program import call, render
from nbfab.run.job import Job

if TYPE_CHECKING:
    from nbfab.lend.loan import Loan
    from nbfab.lend.proxy import Proxy

FILES = ("look/json", "look/listening")
_OF_ALL = (
    "Hosts of this run reach no index of packages. "
    "Lend them this machine's access to one, through SSH, while they install?"
)


@contextmanager
def lending(job: Job, tool: str, words: list[str]) -> Iterator[tuple["Loan", Callable[[], None]]]:
    """A loan to the job's host, which installs by that tool, and what ends it; it ends in any case.

    `words` gets how much came through it. Raises CannotLend, before anything is lent, or Undecided if that is not
    allowed, and Declined if the installation fails by what is not lent.
    """
    _ask(job)
    # Not by a run that lends nothing.
    from nbfab.lend.dial import dial
    from nbfab.lend.learn import learn
    from nbfab.lend.loan import Loan
    from nbfab.lend.proxy import Proxy
    from nbfab.ssh.host import There

    if not isinstance(job.host, There):
        raise CannotLend("it is this machine, whose access is what could be lent")
    job.user.sees("learning what the index of packages here consists of")
    lendable = learn(tool)
    began = time.monotonic()
    proxy = Proxy(lendable.hosts, dial)
    with ExitStack() as stack:
        stack.callback(proxy.close)
        port = stack.enter_context(job.host.forwarded(proxy.accept))
        _check(job, port)
        job.user.sees(f"lending it this machine's access to {', '.join(sorted(lendable.hosts))}")

        def ends() -> None:
            stack.close()
            words.extend(_report(proxy, time.monotonic() - began))

        try:
            yield Loan(proxy.url(port), lendable.index.url, lendable.index.more), ends
        except Declined as error:
            raise _explained(error, proxy) from None


def _report(proxy: "Proxy", seconds: float) -> Iterator[str]:
    size = f"{proxy.size / 1e6:.1f} MB in {max(1, round(seconds))} s"
    yield f"it was lent this machine's access to an index of packages: {size}"
    if proxy.refused:
        yield f"what asked there for {', '.join(proxy.refused)} was refused"


def _ask(job: Job) -> None:
    """Raises CannotLend or Undecided unless it may be lent."""
    lend = job.wanted.settings.lend
    if lend == "never":
        raise CannotLend("nothing is to be lent to it (--lend=never)")
    question = (
        f"{job.host.label} reaches no index of packages. "
        "Lend it this machine's access to one, through SSH, while it installs?"
    )
    if lend == "ask" and not job.user.allows(question, _OF_ALL):
        raise Undecided(
            "it can be lent this machine's access to one, if you allow that",
            again("--lend=always"),
            "or, without lending anything, have the packages fetched here and sent to it",
            again("--lend=never"),
        )


def _check(job: Job, port: int) -> None:
    """Raises CannotLend if others than the users of the host could connect to the port."""
    program = render(FILES, [call("look_listening", port=str(port)), "print_facts\n"])
    try:
        seen = parse(run(job.host, program, lambda record: None, SILENCE, "looking who could use the port"))
    except (HostError, ValueError):
        raise CannotLend("what listens there cannot be seen, so nothing was lent") from None
    if not seen.known or not seen.addresses:
        raise CannotLend("what listens there cannot be seen, so nothing was lent")
    if not seen.only_loopback:
        others = ", ".join(address for address in seen.addresses if address != "127.0.0.1")
        raise CannotLend(
            f"its sshd opens ports to other machines (GatewayPorts), so the one at {others} was closed at once",
            "have its administrator set GatewayPorts no or clientspecified in sshd_config",
        )


def _explained(error: Declined, proxy: "Proxy") -> Declined:
    """The error of an installation by loan, with what it asked for in vain."""
    if not (proxy.refused and error.tool):
        return error
    more = f"; this machine's access is to its own index alone, and not to {', '.join(proxy.refused)}"
    return Declined(f"{error}{more}", *error.fix, words=f"{error.words}{more}", tool=error.tool)
