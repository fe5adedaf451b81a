"""The layer `clock`: whether the host and this machine have the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import there
from nbfab.plan.certificate import SKEW

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _skew(case: Case) -> float:
    """How many seconds the host's clock is ahead, at least: when exactly it was read is not known."""
    clock, near = case.facts.host.clock, case.near
    return max(0.0, clock - near.answered) or min(0.0, clock + 1 - near.asked)


def _check(case: Case) -> Iterator[Finding]:
    skew = _skew(case)
    if abs(skew) > SKEW:
        amount = f"{abs(skew) / 86400:.1f} days" if abs(skew) > 86400 else f"{abs(skew) / 60:.0f} minutes"
        yield failed(
            f"it is {amount} {'ahead of' if skew > 0 else 'behind'} this machine's, so one of the two would refuse new "
            "certificates and logins",
            "if it is the host's that is wrong, as an administrator",
            there("sudo timedatectl set-ntp true"),
        )


LAYER = Layer("clock", _check, lambda case: "the same as here")
