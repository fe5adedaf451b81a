"""What requirements come to on a host: found out there, in an exec of its own that leaves nothing behind."""

from collections.abc import Mapping
from typing import Any

from nbfab.apply.apply import INSTALL
from nbfab.errors import HostError
from nbfab.host import Host, run
from nbfab.look.envs import commit, normal, version
from nbfab.look.fact import LINE, WORD
from nbfab.program import Record, call, render
from nbfab.resolution import Resolution

FILES = ("look/json", "look/look", "apply/write", "apply/install", "apply/build", "apply/resolve")


class Offline(HostError):
    """The host cannot reach an index of packages."""


def resolve(host: Host, args: Mapping[str, str]) -> Resolution:
    """What would be installed by a change with those arguments, see `plan.packages`.

    Raises Offline, HostError with the words of pip or uv, and ConnectError.
    """
    given = {key: args[key] for key in ("base_python", "lines", "constraints", "carried", "pre")}
    if args["needs"]:  # hashes are for the installation, and would have to be there for all
        lines = [line.split(" --hash")[0] for line in args["lines"].splitlines()]
        given["lines"] = "".join(f"{line}\n" for line in (*lines, *args["needs"].split()))
    program = render(FILES, [call("resolve", lent="", wheels="", sent_uv="", **given)])
    records = run(host, program, lambda _: None, INSTALL, "resolving", whole=2 * INSTALL)
    for record in records:
        if "offline" in record:
            raise Offline(f"the host cannot reach an index of packages: {_text(record.get('text'))}", "run it again")
        if "failed" in record:
            words = _text(record.get("text")) or "the host gives no reason"
            raise HostError(f"the requirements do not come together: {words}", "change them, then run it again")
    found = [one for record in records if (one := _package(record))]
    if not found:
        raise HostError("what the host reports on the requirements makes no sense", "run it again")
    carried = next((_text(record["carried"]).split() for record in records if "carried" in record), [])
    dropped = tuple(package for package in args["carried"].split() if package not in carried)
    return Resolution(
        {name: number for name, number, _ in found},
        {name: of for name, _, of in found if of},
        tuple(package for package in carried if package in args["carried"].split()),
        dropped,
        next((_text(of["python"]) for of in records if "python" in of), ""),
    )


def _package(record: Record) -> tuple[str, str, str] | None:
    package = record.get("package")
    if not isinstance(package, str) or len(package) > WORD or not package.isprintable() or " " in package:
        return None
    name, equals, rest = package.partition("==")
    number, _, of = rest.partition("@")
    return (normal(name.split("[")[0]), version(number), commit(of)) if name and equals else None


def _text(value: Any) -> str:
    return value.strip()[-LINE:] if isinstance(value, str) else ""
