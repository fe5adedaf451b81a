"""The user's authorities, for people and as JSON."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nbfab.authority import issued
from nbfab.authority.authority import Authority
from nbfab.authority.constraints import ALWAYS
from nbfab.authority.keyring import Locked, allowing, signer
from nbfab.authority.store import Found
from nbfab.display.lines import line, parts
from nbfab.display.paint import Line, Painted, Piece
from nbfab.errors import Refused
from nbfab.fix import Command, Fix, settled

RECENT = 5  # certificates that are shown of an authority


def described(found: Found, made: Authority | None, now: float, command: Callable[..., str]) -> Painted:
    """The authorities, each with what it may sign; `made` is new. `command` gives a command line for a task."""
    lines: list[Line] = []
    for authority in found.authorities:
        is_new = made is not None and authority.folder == made.folder
        if not is_new and made:
            continue
        words = Piece("made", "bold good") if is_new else _health(authority, now)
        lines += [(Piece(f"{authority.name}: "), words), *_lines(authority, now, command)]
    if not any(authority.permitted for authority in found.authorities):
        lines += parts("note", ("for a host, make a further one", Command(command("ca", "--new", "--allow=NAME"))))
    if made:
        lines.append(line("next", command("trust"), "bold"))
    else:
        for folder, why in found.broken:
            lines.append((Piece(f"{folder}: "), Piece(why, "bad")))
            lines += parts("fix", ("put it back, or make another authority", Command(command("ca", "--new"))))
    return Painted(lines)


def left_out(names: Sequence[str]) -> Painted:
    """The names of an inventory for which there is no constraint."""
    why = "left out, since no constraint fits them (an underscore, or a public suffix)"
    return Painted([line("note", f"{why}: {', '.join(names)}")])


def document(found: Found, made: Authority | None, now: float) -> list[dict[str, Any]]:
    """The same as JSON."""
    known = [
        {
            "name": authority.name,
            "folder": str(authority.folder),
            "made": made is not None and authority.folder == made.folder,
            "fingerprint": authority.fingerprint,
            "permits": [str(of) for of in (*authority.permitted, *ALWAYS)],
            "days_left": authority.days_left(now),
            "issued": issued.read(authority),
            "error": _key(authority)[0] or None,
        }
        for authority in found.authorities
    ]
    lost: dict[str, Any] = {"made": False, "fingerprint": None, "permits": [], "days_left": None, "issued": []}
    return known + [{"name": None, "folder": str(folder), **lost, "error": why} for folder, why in found.broken]


def _health(authority: Authority, now: float) -> Piece:
    if authority.days_left(now) <= 0:
        return Piece("it has ended", "bold bad")
    if _key(authority)[0]:
        return Piece("issues nothing", "bold bad")
    return Piece("issues certificates", "bold good") if authority.issues(now) else Piece("ends soon", "bold mixed")


def _lines(authority: Authority, now: float, command: Callable[..., str]) -> Iterator[Line]:
    own = ", ".join(map(str, authority.permitted))
    always = f"localhost with all names below it, {ALWAYS[1]} and {ALWAYS[2]}"
    if own:
        yield line("may sign", own)
        yield line("", f"and always {always}")
    else:
        yield line("may sign", f"for this machine alone: {always}")
    yield line("certificate", f"SHA-256 {authority.fingerprint}, {authority.days_left(now)} days left")
    yield line("folder", str(authority.folder))
    error, fix = _key(authority)
    if error:
        yield line("reason", error)
        yield from parts("fix", settled(fix, lambda task: command(task.name or "ca", *task.options)))
    if not authority.issues(now):
        yield from parts("fix", ("make another authority", Command(command("ca", "--new", *allowing(authority)))))
    yield from _issued(issued.read(authority))


def _issued(every: Sequence[dict[str, Any]]) -> Iterable[Line]:
    if not every:
        return [line("issued", "nothing yet")]
    count = f"{len(every)} certificate{'' if len(every) == 1 else 's'}"
    last = [f"{one['time']}  {one['host']} ({one['profile']}), until {one['ends']}" for one in every[-RECENT:]]
    return [
        line("issued", count if len(every) <= RECENT else f"{count}; the last {RECENT}:"),
        *(line("", of) for of in last),
    ]


def _key(authority: Authority) -> tuple[str, Fix]:
    """What is wrong with its key, and the fix; empty if nothing is, as far as that shows without the passphrase."""
    try:
        signer(authority)
    except Locked:
        pass
    except Refused as error:
        return str(error), error.fix
    return "", ()
