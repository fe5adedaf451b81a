"""Issuing: which of the user's authorities signs a host's certificate, and for which of its names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbfab.errors import Refused
from nbfab.fix import Note, again, task
from nbfab.names import canonical
from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.authority.authority import Authority
    from nbfab.fix import Fix
    from nbfab.wanted import Wanted


DAYS = 825  # of one that is issued: Apple's systems take no longer ones (support.apple.com/HT210176)
SOON = 90  # days before the end of an authority in which it is time for another


@dataclass(frozen=True)
class Issue:
    """What is to be signed for a host: the `names`, by the first authority that may sign all that have to be.

    Without such an `authority` there is a `reason`, and `allows` are the constraints of another that could. `outside`
    are names that the authority may not sign, and that can be left out; `odd` those that strict clients refuse.
    """

    authority: Authority | None
    names: tuple[str, ...]
    outside: tuple[str, ...]
    odd: tuple[str, ...]
    reason: str
    allows: tuple[str, ...]

    def refusal(self) -> Refused:
        """The error where one has to be issued, and none of the authorities may."""
        return Refused(self.reason, *self.fix)

    @property
    def fix(self) -> Fix:
        """How to get an authority that may sign it all, and how to do without."""
        return (
            "make another authority, which may",
            task("ca", "--new", *(f"--allow={of}" for of in self.allows)),
            "or have the host sign its certificate itself",
            again("--self-signed"),
        )

    def notes(self, days: int) -> Iterable[str]:
        """What is left out of the certificate, and how to have it in; also days, of those that are wanted."""
        if days > DAYS:
            yield f"{days} days are wanted, but an authority issues certificates for {DAYS}, Apple's limit"
        if self.odd:
            yield f"left out of the certificate, since strict clients would refuse all of it: {', '.join(self.odd)}"
        if self.outside:
            words = f"left out of the certificate, since the authority may not sign it: {', '.join(self.outside)}"
            yield Note(words, task("ca", "--new", *(f"--allow={of}" for of in _allows((*self.names, *self.outside)))))


def issue(wanted: Wanted, here: Iterable[str], before: Iterable[str]) -> Issue | None:
    """What is to be signed of the names that are asked for `here`; None if the host is to sign its own certificate.

    What ssh_config makes of a typed name, and what was issued to the host `before`, is left out where it does not fit.
    """
    from nbfab.authority import constraints

    if wanted.settings.self_signed or not wanted.authorities:
        return None
    asked = [name for name in here if name not in wanted.drops]
    found = {canonical(wanted.names[0])} if len(wanted.names) > 1 else set()
    soft = found - {canonical(name) for name in (*wanted.settings.names, wanted.settings.ip)}
    every = dict.fromkeys((*asked, *(name for name in before if name not in wanted.drops)))
    odd = tuple(name for name in every if not constraints.is_strict(name))
    fit = [name for name in every if name not in odd]
    must = [name for name in fit if name in asked and name not in soft]
    may = [of for of in wanted.authorities if all(of.permits(name) for name in must)]
    able = [of for of in may if of.issues(wanted.now)]
    authority = next((of for of in (*(of for of in able if of.has_key), *able)), None)
    if authority and fit and not any(map(authority.permits, fit)):
        authority, must, may = None, fit, []  # or the host would be left without a name
    names = tuple(name for name in fit if authority is None or authority.permits(name))
    outside = tuple(name for name in fit if name not in names)
    reason = "" if authority else _reason(wanted, must, may)
    return Issue(authority, names, outside, odd, reason, () if authority else _allows(fit))


def ending(wanted: Wanted, text: str) -> Iterator[Note]:
    """A note if the authority that has issued the certificate in a PEM ends before another could follow it."""
    from nbfab.authority.keyring import allowing
    from nbfab.plan import pem

    have = pem.load(text)
    for authority in wanted.authorities if have else ():
        left = authority.days_left(wanted.now)
        if left <= SOON and have and authority.has_issued(have):
            words = f"{authority.name}, which has issued the certificate, ends in {left} days"
            yield Note(words, "make another", task("ca", "--new", *allowing(authority)))


def _reason(wanted: Wanted, must: Iterable[str], may: Iterable[Authority]) -> str:
    for authority in may:
        left = authority.days_left(wanted.now)
        ends = f"ends in {left} days" if left > 0 else "has ended"
        return f"{authority.name} {ends}, and issues no more certificates"
    outside = [name for name in must if not any(of.permits(name) for of in wanted.authorities)]
    first, several = wanted.authorities[0], len(wanted.authorities)
    if several == 1 and outside and not first.permitted:
        return f"{first.name} may sign for this machine alone, not for {', '.join(outside)}"
    who = f"{first.name} may not sign" if several == 1 else f"none of your {several} authorities may sign"
    return f"{who} {', '.join(outside)}" if outside else f"{who} all of {', '.join(must)} together"


def _allows(names: Iterable[str]) -> tuple[str, ...]:
    """What another authority has to be allowed for those names."""
    from nbfab.authority import constraints

    every = (constraints.covering(name) or name for name in names if not constraints.permits(constraints.ALWAYS, name))
    return tuple(map(str, constraints.narrowed(every)))
