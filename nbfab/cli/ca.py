"""The user's authorities: makes one, or shows those that there are. On this machine only; no host is contacted."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.init import plain
from nbfab.cli.options import EVERYWHERE, defaults
from nbfab.cli.report import Report
from nbfab.errors import ConnectError, NbfabError, UsageError
from nbfab.fix import Command

if TYPE_CHECKING:
    from nbfab.authority.constraints import Constraint
    from nbfab.inventory.hosts import InventoryHost


def ca(call: Call) -> None:
    """Shows the authorities; makes one where there is none, and a further one with --new."""
    from nbfab.authority import make, store
    from nbfab.display.authority import described, document, left_out
    from nbfab.display.output import complain, show

    call = replace(call, given={**defaults(EVERYWHERE), **call.given})
    report = Report(call.task, call.json)
    with report.errors():
        call.check_dry_run()
        if getattr(call.c, "nbfab_hosts", ()):
            raise UsageError("ca makes an authority on this machine, and takes no host", Command(plain(call)("ca")))
        allowed = _allowed(call)
        found, made = store.look(), None
        wants = "new" in call.flags or not (found.authorities or found.broken)
        if not wants and (given := [flag for flag in ("allow", "passphrase", "passphrase_file") if call.given[flag]]):
            flag = f"--{given[0].replace('_', '-')}"
            raise UsageError(
                f"there is an authority, and what it may sign is part of its certificate: {flag} changes nothing",
                "make a further one; the two stay side by side",
                Command(plain(call)("ca", "--new", *_again(call))),
            )
        if wants:
            permitted, odd = _permitted(call, allowed)
            passphrase = _passphrase(call)
            if not call.json:
                complain(left_out(odd)) if odd else None
            try:
                with make.alone():
                    found = store.look()
                    if "new" in call.flags or not found.authorities:
                        made = make.make(permitted, time.time(), passphrase)
            except OSError as error:
                raise NbfabError(f"{error.filename or store.folder()} could not be written: {error.strerror}") from None
            found = store.look()
        now = time.time()
        if call.json:
            report.document([], 0, lists={"authorities": document(found, made, now)})
        else:
            show(described(found, made, now, plain(call)))


def _again(call: Call) -> list[str]:
    """The options of this call, to be typed again."""
    words = [f"--allow={text}" for text in call.given["allow"]]
    words += [
        f"--{key.replace('_', '-')}={call.given[key]}" for key in ("inventory", "passphrase_file") if call.given[key]
    ]
    return words + (["--passphrase"] if "passphrase" in call.flags else [])


def _allowed(call: Call) -> "list[Constraint]":
    """What --allow names. Raises UsageError."""
    from nbfab.authority import constraints

    allowed = []
    for text in call.given["allow"]:
        try:
            allowed.append(constraints.parse(text))
        except ValueError as error:
            raise UsageError(f"--allow {text}: {error}") from None
    return allowed


def _permitted(call: Call, allowed: "Sequence[Constraint]") -> "tuple[Sequence[Constraint], Sequence[str]]":
    """What a new authority may sign, by the inventory and what is `allowed`; and the names that no constraint fits.

    Without either, that is what ssh_config calls hosts, as far as no one else can have such a name.

    Raises UsageError.
    """
    from nbfab.authority import constraints

    given = call.given["inventory"]
    path = Path(given or INVENTORY)
    names: list[str] = []
    if given or path.exists():
        from nbfab.inventory.load import load

        names = list(dict.fromkeys(_names(call, load(path, named=bool(given)).hosts)))
    elif not allowed:
        from nbfab.names import canonical
        from nbfab.ssh.aliases import aliases

        # Not github.com, which may well be in there.
        names = [canonical(name) for name in aliases(call.ssh_options().config) if constraints.is_local(name)]
    covering = {name: constraints.covering(name) for name in names}
    every = constraints.narrowed([*allowed, *(of for of in covering.values() if of)])
    if len(every) > constraints.MOST:
        raise UsageError(
            f"the authority would have {len(every)} constraints, and clients may take no more than {constraints.MOST}",
            "allow the domains or networks that these hosts have in common, by --allow",
        )
    odd = [name for name, of in covering.items() if of is None and not constraints.permits(every, name)]
    return every, odd


def _names(call: Call, hosts: "Iterable[InventoryHost]") -> Iterable[str]:
    """Every name that the hosts of an inventory are reached by: also what ssh_config makes of them."""
    from nbfab.names import EVERY_ADDRESS, canonical, is_name
    from nbfab.ssh.route import Route

    hosts = list(hosts)
    try:
        routes = call.routes(hosts).all()
    except (ConnectError, OSError):
        routes = {}
    for host in hosts:
        settings = call.settings(host)
        route = routes.get(call.asked(host))
        reached = [host.name, host.typed.host, *([route.hostname] if isinstance(route, Route) else [])]
        own = [*settings.names, *([] if settings.ip in EVERY_ADDRESS else [settings.ip])]
        yield from (canonical(name) for name in (*reached, *own) if is_name(name))


def _passphrase(call: Call) -> str:
    """The passphrase for the new key; empty for none. Raises UsageError, Refused."""
    from nbfab.authority.keyring import passphrase_in
    from nbfab.display.questions import chooses_passphrase

    if call.given["passphrase_file"]:
        return passphrase_in(Path(call.given["passphrase_file"]))
    if "passphrase" not in call.flags:
        return ""
    chosen = chooses_passphrase()
    if not chosen:
        raise UsageError(
            "no passphrase was typed, so no authority was made",
            "type one at a terminal, or name a file that holds it by --passphrase-file",
        )
    return chosen
