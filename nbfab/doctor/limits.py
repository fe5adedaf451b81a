"""The layer `limits`: what limits the server's processes, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import task, there
from nbfab.plan.server import enable_linger

if TYPE_CHECKING:
    from nbfab.finding import Finding


class _Least(NamedTuple):
    """What a resource should have, the option of ulimit for it, its unit there, and what comes of less."""

    least: int
    option: str
    unit: int
    what: str


# By the names in proc(5).
_LEAST = {
    "open files": _Least(1024, "n", 1, "open files: with some browsers and kernels it can open no more"),
    "processes": _Least(256, "u", 1, "processes: kernels start threads by the dozen"),
    "address space": _Least(8 * 2**30, "v", 1024, "bytes of address space: kernels end with a MemoryError"),
    "file size": _Least(2**30, "f", 512, "bytes in a file: what is larger is not saved"),
    "cpu time": _Least(7 * 86400, "t", 1, "seconds of processor time: then it is killed, and kernels are"),
}


def _check(case: Case) -> Iterator[Finding]:
    limits = case.facts.limits
    for name, (least, option, unit, what) in _LEAST.items():
        limit = limits.resources.by_name.get(name)
        if limit is None or limit.soft >= least:
            continue
        words = f"the server may have only {limit.soft} {what}"
        if limit.hard >= least:
            value = "unlimited" if limit.hard >= 10**15 else str(min(limit.hard, 16 * least) // unit)
            raised = there(f"echo 'ulimit -S{option} {value}' >>~/.profile")
            yield failed(words, "raise that at each login, then start the server anew", raised, task("restart"))
        else:
            shown = there("grep -rn . /etc/security/limits.conf /etc/security/limits.d")
            yield failed(words, "have an administrator raise it; it is usually set there", shown)
    if limits.killed:
        yield failed(
            f"logind ends what {limits.killed} leaves running at logout (KillUserProcesses), and lingering is off",
            "as an administrator",
            there(enable_linger(limits.killed, case.facts)),
        )


LAYER = Layer("limits", _check, lambda case: "high enough")
