"""This user's Jupyter servers that nbfab did not start: what there is to say of one, and the change that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbfab.fix import Note, task
from nbfab.plan.change import Change
from nbfab.units import stamp

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.look.others import Other


def at(facts: Facts, port: int) -> Other | None:
    """The one that listens on a port; None if there is none."""
    return next((other for other in facts.others.servers or () if other.port == port), None)


def described(other: Other) -> str:
    """What it is, in a line."""
    where = "for the host alone" if other.only_here else f"at {', '.join(other.addresses)}"
    if {"0.0.0.0", "::"} & {*other.addresses}:
        where = "at all addresses"
    tls = {True: "https", False: "http", None: "it does not answer"}[other.tls]
    version = f" {other.version}" if other.version else ""
    folder = f", in {other.folder}" if other.folder else ""
    return f"process {other.pid} ({other.app}{version}), since {stamp(other.since)}{folder}, {tls}, {where}"


def warning(other: Other) -> str:
    """What one that is open to everyone means."""
    who = "every user of the host" if other.only_here else "everyone who reaches the host"
    return (
        f"a Jupyter server is open without a password or token at port {other.port}, so {who} can run programs as you: "
        f"{described(other)}"
    )


def unsafe(facts: Facts) -> Iterator[Note]:
    """A warning of each that is open, with what ends it."""
    for other in facts.others.servers or ():
        if other.open:
            yield Note(warning(other), task("stop", f"--port={other.port}"))


def stop(other: Other) -> Change:
    """The change that ends it: that process, if it is still the one that started then."""
    args = {"pid": str(other.pid), "start": other.start}
    detail = f"at port {other.port} (process {other.pid})"
    return Change(step="server", kind="end other server", what="end the Jupyter server", detail=detail, args=args)


def document(other: Other) -> dict[str, Any]:
    """This for reports, as JSON has it."""
    return {
        "port": other.port,
        "pid": other.pid,
        "since": stamp(other.since),
        "app": other.app or None,
        "version": other.version or None,
        "folder": other.folder or None,
        "addresses": list(other.addresses),
        "tls": other.tls,
        "open": other.open,
        "kernels": other.kernels,
        "words": described(other),
    }
